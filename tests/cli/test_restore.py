from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import LocalStack
from tests.store.snapshot_rows import jumpcloud, store_snapshot


def test_b6_a_restore_stops_counts_and_asks(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    assert "There was no restore" in provisor("restore", "show", "-c", config).err
    store_snapshot(stack.store, jumpcloud())
    assert provisor("restore", "begin", "-c", config, stdin=b"n\n").code == 1
    begun = provisor("restore", "begin", "-c", config, "--yes")
    assert (begun.code, begun.out.startswith("The backup knows")) == (0, True)
    assert "under way already" in provisor("restore", "begin", "-c", config, "--yes").err
    stack.grant("r1")
    stack.run(timedelta(minutes=1))
    assert not stack.system.sent
    shown = provisor("restore", "show", "-c", config)
    assert "Requests handed in again that the backup does not know: 1." in shown.out
    assert provisor("restore", "show", "-c", config, "--json").json["requests"] == 1
    assert provisor("restore", "end", "-c", config, stdin=b"n\n").code == 1
    assert provisor("restore", "end", "-c", config, "--yes").code == 0
    stack.run(timedelta(minutes=1))
    assert stack.has()
    assert "No restore is under way" in provisor("restore", "end", "-c", config, "--yes").err
