"""What an audit will cost, said before it runs."""

from __future__ import annotations

from netlens.publish.plan import Plan


def cost(plan: Plan) -> str:
    """Say what the run of an audit notebook costs: forward passes, and the time by a few of them tried here.

    Empty for a notebook that takes no profile.

    Raises
    ------
    NetlensError : the model, its data, the policy, the profile or the earlier audit cannot be used. It is said now, before anything runs.
    """
    values = {name: str(value) for name, value in plan.values.items()}
    if "profile" not in values:
        return ""
    from netlens.audit import document, material, policy
    from netlens.audit.budget import applicable, budget, pilot
    from netlens.trained import obtain

    budget(values["profile"], 1)
    model, _ = obtain(
        values["model"],
        values.get("dataset", ""),
        data_root=values.get("data_root", ""),
        device=values.get("device", "auto"),
        seed=int(values.get("seed", "0")),
    )
    if values.get("previous"):
        document.read(values["previous"])
    policy(values.get("policy", ""), model.card.policy if model.card else None)
    test = material(model.card, values.get("data_root", "")).test
    return budget(values["profile"], len(test), applicable(test.modality), pilot(model, test)).told()
