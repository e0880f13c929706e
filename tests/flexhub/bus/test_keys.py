from __future__ import annotations

import re
from uuid import uuid4

from flexhub.bus import keys


def test_the_keys_of_one_script_share_a_hash_tag() -> None:
    groups = [keys.link_keys(uuid4()), keys.TELEMETRY, keys.LEDGER, (keys.PROCESSES, keys.SWEEPING)]

    tags = [{re.findall(r"\{(.*?)\}", key)[0] for key in group} for group in groups]

    assert [len(found) for found in tags] == [1, 1, 1, 1]
    assert len(set.union(*tags)) == 4
