"""The steps of a deployment, and what they are for: a target."""

import attrs

from s6gen.deployment.files import Copy, Pair
from s6gen.deployment.servers import Reload, Restart, Run, Serves, Trial

Step = Copy | Pair | Reload | Restart | Run | Trial | Serves


def with_service(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps; each that looks has the service of an earlier one."""
    service = ""
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Serves) and step.service is None:
            step = attrs.evolve(step, service=service)
        elif not isinstance(step, Copy | Pair):
            service = step.service or service
        result.append(step)
    return tuple(result)


@attrs.frozen
class Target:
    """One program that is given the certificate.

    Its steps are done in order, and all again from the first where one fails.
    """

    name: str
    steps: tuple[Step, ...] = attrs.field(converter=with_service)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it is given."""
        paths: list[str] = []
        for step in self.steps:
            if isinstance(step, Copy | Pair):
                paths.extend(step.paths)
        return tuple(paths)
