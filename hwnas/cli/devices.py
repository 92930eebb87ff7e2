"""`hwnas devices`: which devices are known, and everything that is known of one."""

from __future__ import annotations

from typing import Annotated

import typer

from hwnas.cli.completion import complete_device
from hwnas.cli.remote import Server, client
from hwnas.errors import UsageError

Name = Annotated[str | None, typer.Argument(help="A device; without, the list of all.", autocompletion=complete_device)]


def devices_command(
    name: Name = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove a device of your own, with its models.")] = False,
    server: Server = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Devices: hardware facts with their sources, how they were measured, and which costs are known."""
    from hwnas.api import devices
    from hwnas.cli import render_devices
    from hwnas.devices.user_devices import remove_device

    known = client(server) if server else devices
    forget = client(server).remove_device if server else remove_device
    if remove:
        if name is None:
            raise UsageError("expected the name of a device to remove, got none")
        render_devices.removed(name, str(forget(name)), as_json=as_json)
    elif name is None:
        render_devices.devices(known.list_devices(), as_json=as_json)
    else:
        found = known.describe_device(name)
        render_devices.device(found, as_json=as_json)
        if not server and not as_json:
            from hwnas.api.kernels import kernel_models_of

            render_devices.kernel_models(kernel_models_of(found.card.name))
