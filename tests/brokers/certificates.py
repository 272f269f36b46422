"""Certificates of an authority that nobody else knows."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path]:
    """A certificate for ``host`` that only its own file vouches for, and its key."""
    files = folder / f"{host}.pem", folder / f"{host}.key"
    arguments = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={host} -addext subjectAltName=DNS:{host}"
    command = ["openssl", *arguments.split(), "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(command, check=True, capture_output=True)
    return files
