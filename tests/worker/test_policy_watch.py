"""A policy that changes while Provisor runs: it counts from then on, and a wrong one does not."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from access.entitlements import EntitlementRef
from access.methods import Direction
from access.policy import Policy
from config.policy_file import load_policy
from worker.policy_watch import LivePolicy, PolicyWatch

GROUP = EntitlementRef.parse("jira:group:devs:member")
ALLOWS = 'ticket: {project: OPS}\nrules: [{pattern: "jira:group:*:member"}]\n'


def test_a_changed_policy_is_in_force_once_its_file_rests_and_a_wrong_one_is_not(tmp_path: Path) -> None:
    """C13, H3."""
    file = tmp_path / "policy.yaml"
    file.write_text("ticket: {project: OPS}\n", encoding="utf-8")

    def read() -> Policy:
        return load_policy(file).policy

    policy, changes = LivePolicy(read()), []
    watch = PolicyWatch(file, policy, read, on_change=lambda: changes.append(len(policy.rules)))
    watch.look()
    assert policy.rule_for(GROUP, direction=Direction.GIVE) is None
    file.write_text(ALLOWS[:-20], encoding="utf-8")  # it is being written
    watch.look()
    file.write_text(ALLOWS, encoding="utf-8")
    watch.look()
    assert (policy.rule_for(GROUP, direction=Direction.GIVE), changes) == (None, [])
    watch.look()
    assert policy.rule_for(GROUP, direction=Direction.GIVE) is not None
    assert changes == [1]
    file.write_text("rules: [{pattern: x}]\n", encoding="utf-8")
    with capture_logs() as logs:
        for _ in range(3):
            watch.look()
    assert [log["event"] for log in logs] == ["policy.kept"]
    file.unlink()
    for _ in range(2):
        watch.look()
    assert policy.rule_for(GROUP, direction=Direction.GIVE) is not None
    assert changes == [1]
