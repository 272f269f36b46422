from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import attachment
from simulator.jira.api.issue_lookup import project_of, the_issue
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import ApiError, answer, refuse, text

FILES_A_CALL = 60
SIZE_LIMIT = 1_000_000_000


def add(call: Call) -> Response:
    """Attach files, sent as parts named `file`."""
    if call.request.headers.get("x-atlassian-token", "").lower() not in {"no-check", "nocheck"}:
        raise ApiError(text("XSRF check failed", 403))
    issue = the_issue(call)
    call.require("CREATE_ATTACHMENTS", "You do not have permission to create attachments.", project_of(call, issue))
    files = _files(call)
    if len(files) > FILES_A_CALL or any(len(content) > SIZE_LIMIT for _, _, content in files):
        raise refuse(413, "Too many or too large files.")
    made = [
        call.world.tracker.attach(issue, name, kind, len(content), call.me.account_id) for name, kind, content in files
    ]
    return answer([attachment(call, each) for each in made])


def _files(call: Call) -> list[tuple[str, str, bytes]]:
    """Read name, type and content of each `file` part with the standard library's MIME parser."""
    head = f"Content-Type: {call.request.headers.get('content-type', '')}\r\nMIME-Version: 1.0\r\n\r\n"
    message = message_from_bytes(head.encode() + call.raw, _class=EmailMessage, policy=policy.HTTP)
    files = []
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            content = part.get_payload(decode=True)
            files.append(
                (part.get_filename("file"), part.get_content_type(), content if isinstance(content, bytes) else b"")
            )
    return files


GRANULAR = "read:attachment read:avatar read:user write:attachment"
OPERATIONS = (
    Operation("POST", "/issue/{key}/attachments", add, "write:jira-work", GRANULAR, wants_json=False, issue_write=True),
)
