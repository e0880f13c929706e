"""The file that tells a home's process what it is: read with `HomeConfig.read`, written by whoever starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flexhub.clock import Clock, ClockError

Kind = Literal["METER", "PV", "BATTERY", "EV_CHARGER", "HEAT_PUMP", "DISHWASHER"]


class ConfigError(Exception):
    """The file is missing, or it does not describe a home."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceConfig(_Closed):
    """One device: what it is, and how it proves to the hub who it is."""

    kind: Kind
    node_id: UUID
    token: str = Field(repr=False)
    name: str = ""
    parameters: dict[str, Any] = {}


class LimitsConfig(_Closed):
    fuse_limit_w: float = Field(gt=0)
    export_limit_w: float | None = Field(default=None, ge=0)


class TariffConfig(_Closed):
    """EUR per kWh for each hour of the local day."""

    import_eur_per_kwh: tuple[float, ...] = Field(min_length=24, max_length=24)
    export_eur_per_kwh: tuple[float, ...] = Field(min_length=24, max_length=24)


class HomeConfig(_Closed):
    """`ws_url` is the hub's address for devices, such as ws://127.0.0.1:8000/s2/v0: each adds its own node id."""

    home: str
    seed: int
    weather_seed: int = 0
    ws_url: str = Field(pattern=r"^wss?://")
    clock: str
    timezone: str
    devices: tuple[DeviceConfig, ...] = Field(min_length=1)
    limits: LimitsConfig
    tariff: TariffConfig
    report: Path

    @classmethod
    def read(cls, path: Path) -> HomeConfig:
        """Raises ConfigError."""
        try:
            config = cls.model_validate_json(path.read_bytes())
            Clock.parse(config.clock)
        except ValidationError as error:
            # The values stay out of the message: there are tokens among them.
            wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
            raise ConfigError(f"{path}: {'; '.join(wrong)}") from None
        except (OSError, ClockError) as error:
            raise ConfigError(f"{path}: {error}") from error
        kinds = [device.kind for device in config.devices]
        if len(set(kinds)) != len(kinds):
            raise ConfigError(f"{path}: a home has at most one device of each kind, not {', '.join(kinds)}")
        return config
