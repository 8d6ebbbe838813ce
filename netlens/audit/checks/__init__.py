"""Every check, by its code; see `netlens.audit.check` for how to add one."""

from netlens.audit.check import Check
from netlens.audit.checks import calibrated, complete, faithful, leakage, majority, repeatable, sane, stable, weakest_class

CHECKS: dict[str, Check] = {
    check.code: check
    for check in (
        repeatable.CHECK,
        leakage.CHECK,
        majority.CHECK,
        weakest_class.CHECK,
        calibrated.CHECK,
        complete.CHECK,
        faithful.CHECK,
        stable.CHECK,
        sane.CHECK,
    )
}
