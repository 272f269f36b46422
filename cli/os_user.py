from __future__ import annotations

import os
import pwd


def os_user() -> str:
    """The user of the operating system who runs this process. Unlike ``getpass.getuser`` it believes no environment."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
