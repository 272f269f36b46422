"""A pgbouncer of a test: a pooler that gives each transaction to whichever session to PostgreSQL is free."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.machine import free_port
from tests.patience import until

_SETTINGS = """
[databases]
{database} = host={host} port={port} dbname={database} user={user} pool_size=3
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
"""


class PgBouncerAway(Exception):  # noqa: N818 - a fact about the machine
    pass


class PgBouncer:
    """In front of the database at ``address``, in transaction mode; ``url`` is its own address."""

    def __init__(self, address: str, folder: Path) -> None:
        program = shutil.which("pgbouncer")
        if program is None:
            raise PgBouncerAway("it is not installed")
        at = make_url(address)
        listen = free_port()
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            _SETTINGS.format(host=at.host, port=at.port or 5432, database=at.database, user=at.username, listen=listen),
            encoding="utf-8",
        )
        folder.chmod(0o755)
        # It refuses to run as root.
        user = "nobody" if os.getuid() == 0 else None
        self._log = (folder / "pgbouncer.log").open("wb")
        self._process = subprocess.Popen(
            [program, str(settings)], stdout=self._log, stderr=subprocess.STDOUT, user=user
        )
        self.url = at.set(host="127.0.0.1", port=listen).render_as_string(hide_password=False)
        self._wait(listen)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def _wait(self, port: int) -> None:
        def answers() -> bool:
            if self._process.poll() is not None:
                raise PgBouncerAway(Path(self._log.name).read_text(errors="replace")[-500:])
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        until(answers, "the start of pgbouncer")
