"""The choices of a resource with a power envelope: all its freedom, or less production, or less consumption.

Freedom is the rule. Production is cut where feeding in is not allowed or costs money, consumption only for the fuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from cem_service.domain.decision import LastInstruction
from cem_service.domain.pebc import PEBCResource, QuantityLimits
from cem_service.domain.quantities import total_power_w
from cem_service.domain.series import StepSeries
from cem_service.instructions import Envelope, NewId, pebc_instruction
from cem_service.planners.calm import DEADBAND_W, REPEAT_AFTER, deadband_w
from cem_service.planners.choices import Aim, Choice, EnvelopeOrder, Prices
from cem_service.planners.plan import EnvelopeSpan
from cem_service.planners.worth import LOOKAHEAD
from flexhub.telemetry.quarters import quarter_start
from s2.messages import CommodityQuantity, PEBCInstruction, PEBCPowerEnvelopeElement

# Cutting is what a limit or a negative price has to pay for. A kWh not produced costs next to nothing beyond its price;
# one not consumed is somebody's comfort.
LOST_PRODUCTION_EUR_PER_KWH = 0.001
LOST_CONSUMPTION_EUR_PER_KWH = 1.0

# An envelope ends by itself, so that a device is not held by a CEM that is gone; one that is still needed is renewed
# this long before.
ENVELOPE_LASTS = timedelta(hours=1)
RENEW_BEFORE = timedelta(minutes=10)

# A resource this near to the limit that we drew may well have more to give than it shows: what it forecasts, and at
# least so much that it is not let go for being just where we hold it.
AT_LIMIT_SHARE = 0.95


@dataclass(frozen=True)
class EnvelopeUnit:
    resource: PEBCResource
    prices: Prices
    now: datetime
    last: LastInstruction | None
    planned: tuple[EnvelopeSpan, ...] = ()

    @property
    def turn(self) -> int:
        return 2

    @cached_property
    def power_now_w(self) -> float:
        lowest, highest = self.resource.widest_w
        return min(max(self.resource.power_w(self.now) or 0.0, lowest), highest)

    @cached_property
    def _drawn(self) -> tuple[float, float] | None:
        """The limits that hold now by our latest instruction, in W; None where there are none."""
        if self.last is None or not isinstance(self.last.message, PEBCInstruction) or self.now >= self.last.until:
            return None
        elements = elements_at(self.last.message, self.now).values()
        if not elements:
            return None
        return sum(one.lower_limit for one in elements), sum(one.upper_limit for one in elements)

    @cached_property
    def potential_w(self) -> float:
        """The power it would have with all its freedom: what it has now, unless it is held by a limit of ours."""
        lowest, highest = self.resource.widest_w
        if self._drawn is not None:
            lower, upper = self._drawn
            if lower > lowest and self.power_now_w <= min(AT_LIMIT_SHARE * lower, 0.0):
                return min(self._forecast_w(lowest), max(self.power_now_w / AT_LIMIT_SHARE - DEADBAND_W, lowest))
            if upper < highest and self.power_now_w >= max(AT_LIMIT_SHARE * upper, 0.0):
                return max(self._forecast_w(highest), min(self.power_now_w / AT_LIMIT_SHARE + DEADBAND_W, highest))
        return self.power_now_w

    def _forecast_w(self, otherwise_w: float) -> float:
        forecast = self.resource.power_forecast
        if forecast is None:
            return otherwise_w
        values = [
            (one.duration, total_power_w((v.commodity_quantity, v.value_expected) for v in one.power_values) or 0.0)
            for one in forecast.elements
        ]
        start = self.now.timestamp()
        series = StepSeries.consecutive(forecast.start_time, values)
        return float(series.means(np.array([start, start + LOOKAHEAD.total_seconds()]), otherwise_w)[0])

    @cached_property
    def stay(self) -> Choice:
        return Choice(self.power_now_w, 0.0, None)

    @cached_property
    def release(self) -> Choice:
        """All its freedom, but for what the plan puts off."""
        limits = self._spans[0].limits if self._spans else ()
        envelopes = limits or self._widest
        lower_w, upper_w = (sum(getattr(one, name) for one in envelopes) for name in ("lower_limit_w", "upper_limit_w"))
        power_w = min(max(self.potential_w, lower_w), upper_w) if limits else self.potential_w
        return Choice(
            power_w, 0.0, EnvelopeOrder(envelopes, curtails=bool(limits), spans=self._spans if limits else ())
        )

    @cached_property
    def _widest(self) -> tuple[Envelope, ...]:
        return tuple(_envelope(limits, *limits.widest) for limits in self.resource.limits)

    @cached_property
    def _spans(self) -> tuple[EnvelopeSpan, ...]:
        """What the plan puts off from now on. What is lost is cut by what is measured, so no plan is needed for it; and
        what is no longer on offer counts as free.
        """
        if self.resource.energy_is_lost:
            return ()
        ahead = (span for span in self.planned if span.end > self.now)
        return tuple(span if self._is_on_offer(span) else replace(span, limits=()) for span in ahead)

    def _is_on_offer(self, span: EnvelopeSpan) -> bool:
        offered = {limits.quantity: limits for limits in self.resource.limits}
        return [one.quantity for one in span.limits] == list(offered) and all(
            offered[one.quantity].offers(one.lower_limit_w, one.upper_limit_w) for one in span.limits
        )

    def _elements(self, order: EnvelopeOrder, until: datetime) -> list[tuple[timedelta, tuple[Envelope, ...]]]:
        """How long which limits are to hold, from now on to the end of the envelope."""
        found = []
        begin = self.now
        for span in order.spans or (EnvelopeSpan(until, order.envelopes),):
            end = min(span.end, until)
            if end > begin:
                found.append((end - begin, span.limits or self._widest))
                begin = end
        return [*found, (until - begin, self._widest)] if begin < until else found

    def choices(self, others_w: float) -> list[Choice]:
        found, free_w = [self.release], self.release.power_w
        for net_w, aim in self._aims():
            wanted_w = net_w - others_w
            if free_w < 0 and wanted_w > free_w:
                found.append(self._hold_production(min(wanted_w, 0.0), aim))
            elif free_w > 0 and wanted_w < free_w:
                found.append(self._hold_consumption(max(wanted_w, 0.0), aim))
        return found

    def _aims(self) -> Iterator[tuple[float, Aim]]:
        if self.potential_w < 0:
            yield 0.0, Aim.ZERO_NET
            yield -self.prices.export_limit_w, Aim.EXPORT_LIMIT
        else:
            yield self.prices.import_limit_w, Aim.IMPORT_LIMIT

    def _hold_production(self, power_w: float, aim: Aim) -> Choice:
        envelopes = []
        for limits, share in self._shares(lower=True):
            lower_w = limits.lower_limit_for(power_w * share)
            envelopes.append(_envelope(limits, lower_w, max(limits.widest[1], limits.upper_limit_for(lower_w))))
        held_w = max(self.release.power_w, sum(envelope.lower_limit_w for envelope in envelopes))
        lost_eur = _kwh(held_w - self.release.power_w) * LOST_PRODUCTION_EUR_PER_KWH
        return Choice(held_w, lost_eur, EnvelopeOrder(tuple(envelopes), curtails=True), aim)

    def _hold_consumption(self, power_w: float, aim: Aim) -> Choice:
        envelopes = []
        for limits, share in self._shares(lower=False):
            upper_w = limits.upper_limit_for(power_w * share)
            envelopes.append(_envelope(limits, min(limits.widest[0], limits.lower_limit_for(upper_w)), upper_w))
        held_w = min(self.release.power_w, sum(envelope.upper_limit_w for envelope in envelopes))
        lost_eur = _kwh(self.release.power_w - held_w) * LOST_CONSUMPTION_EUR_PER_KWH
        return Choice(held_w, lost_eur, EnvelopeOrder(tuple(envelopes), curtails=True), aim)

    def _shares(self, *, lower: bool) -> Iterator[tuple[QuantityLimits, float]]:
        """The total is spread over the quantities as their offered widths are."""
        widths = [abs(limits.widest[0 if lower else 1]) for limits in self.resource.limits]
        total = sum(widths)
        for limits, width in zip(self.resource.limits, widths, strict=True):
            yield limits, width / total if 0 < total < float("inf") else 1.0 / len(widths)

    @property
    def until(self) -> datetime:
        end = quarter_start(self.now) + ENVELOPE_LASTS
        return end if self.resource.valid_until is None else min(end, self.resource.valid_until)

    @property
    def told_w(self) -> float | None:
        is_ours = self.last is not None and isinstance(self.last.message, PEBCInstruction)
        return self.last.expected_power_w if self.last and is_ours else None

    @property
    def worth_eur_per_kwh(self) -> None:
        return None

    def worth_sending(self, choice: Choice) -> bool:
        order, last = choice.order, self.last
        if not isinstance(order, EnvelopeOrder):
            return False
        if last is None or not isinstance(last.message, PEBCInstruction):
            return True
        if last.message.power_constraints_id != self.resource.constraints_id:
            return True
        if not order.curtails:
            # An envelope that has ended leaves the resource free already.
            return last.until > self.now and not self._holds_by(last.message, order, small_w=1.0)
        lowest, highest = self.resource.widest_w
        small_w = deadband_w(min(max(-lowest, highest), 1e9))
        ends_soon = last.until - self.now <= RENEW_BEFORE and last.until < self.until
        # What it refused holds nothing, although it is just what is wanted.
        is_asked_again = last.refused_until is not None and self.now - last.issued_at >= REPEAT_AFTER
        return ends_soon or is_asked_again or not self._holds_by(last.message, order, small_w)

    def _holds_by(self, told: PEBCInstruction, order: EnvelopeOrder, small_w: float) -> bool:
        before = elements_at(told, self.now)
        return all(
            one.quantity in before
            and abs(before[one.quantity].lower_limit - one.lower_limit_w) <= small_w
            and abs(before[one.quantity].upper_limit - one.upper_limit_w) <= small_w
            for one in order.envelopes
        )

    def instruction(self, choice: Choice, new_id: NewId) -> PEBCInstruction:
        if not isinstance(choice.order, EnvelopeOrder):
            raise AssertionError("an envelope was given an order that is not its own")
        return pebc_instruction(
            constraints_id=self.resource.constraints_id,
            elements=self._elements(choice.order, self.until),
            execution_time=self.now,
            new_id=new_id,
        )


def elements_at(told: PEBCInstruction, now: datetime) -> dict[CommodityQuantity, PEBCPowerEnvelopeElement]:
    """The limits that hold by an instruction, by quantity; none where it has not begun or is over."""
    found = {}
    for envelope in told.power_envelopes:
        left = now - told.execution_time
        for element in envelope.power_envelope_elements:
            duration = timedelta(milliseconds=element.duration)
            if timedelta() <= left < duration:
                found[envelope.commodity_quantity] = element
            left -= duration
    return found


def _envelope(limits: QuantityLimits, lower_w: float, upper_w: float) -> Envelope:
    """Both limits as offered. Where an offer forces the lower above the upper, all its freedom is given instead."""
    if lower_w > upper_w:
        lower_w, upper_w = limits.widest
    return Envelope(limits.quantity, lower_w, upper_w)


def _kwh(power_w: float) -> float:
    return power_w * LOOKAHEAD.total_seconds() / 3.6e6
