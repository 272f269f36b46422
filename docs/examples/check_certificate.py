#!/usr/bin/env python3
"""Check a certificate of Provisor, and the file that it is about, with nothing but Python's (3.11) standard library.

    python3 check_certificate.py grants.csv.certificate.json [grants.csv]

Without the second name the file is looked for beside the certificate. Exit status: 0 all is as certified, 1 something is not.
"""

import csv
import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path


def spelled(document):
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def check_document(raw, wrong):
    document = json.loads(raw)
    said = document.pop("document_sha256", None)
    if spelled({**document, "document_sha256": said}) != raw:
        wrong.append("the certificate is not spelled as it was written")
    if hashlib.sha256(spelled(document)).hexdigest() != said:
        wrong.append("the certificate was changed: its digest is another")
    return document


def check_file(document, path, wrong):
    """The file: its bytes, its digest, its rows and its columns."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if (path.stat().st_size, digest) != (document["bytes"], document["sha256"]):
        wrong.append(f"{path.name} was changed: its length or its SHA-256 is another")
        return
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream) if document["format"] == "csv" else (list(json.loads(line)) for line in stream)
        columns = next(rows, document["columns"])
        count = sum(1 for _ in rows) + (document["format"] != "csv" and path.stat().st_size > 0)
    if columns != document["columns"] or count != document["rows"]:
        wrong.append(f"{path.name} has other columns or another number of rows than certified")


def check_snapshot(snapshot, wrong):
    """What was read: every list once, no total missed, nothing read after the snapshot was complete."""
    name, digest, moment = snapshot["system"], hashlib.sha256(), datetime.fromisoformat
    for each in snapshot["lists"]:
        digest.update(json.dumps(each, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n")
        if any(total["said"] != total["came"] for total in each.get("totals", [])):
            wrong.append(f"{name}: the list {each['name']} has another number of rows than the service said")
        began, ended = each.get("began_at", each["stored_at"]), each.get("ended_at", each["stored_at"])
        if not moment(began) <= moment(ended) <= moment(snapshot["completed_at"]):
            wrong.append(f"{name}: the list {each['name']} was not read before the snapshot was complete")
    names = [each["name"] for each in snapshot["lists"]]
    sums = (len(set(names)), sum(each["rows"] for each in snapshot["lists"]), digest.hexdigest())
    if len(names) != len(set(names)) or sums != (snapshot["lists_in_all"], snapshot["rows"], snapshot["lists_sha256"]):
        wrong.append(f"{name}: the lists are not those that the snapshot was made of")


def main(certificate, file=None):
    wrong = []
    document = check_document(Path(certificate).read_bytes(), wrong)
    path = Path(file) if file else Path(certificate).with_name(document["file"] or "-")
    check_file(document, path, wrong)
    for snapshot in document["snapshots"]:
        check_snapshot(snapshot, wrong)
        names = (snapshot[name] for name in ("system", "tenant", "began_at", "completed_at", "lists_in_all", "rows"))
        print("{} ({}), read {} to {}: {} lists, {} rows".format(*names))
    fine = f"{path.name}: {document['rows']} rows, complete and unchanged since {document['made_at']}"
    print("\n".join(wrong) or fine)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as exc:
        sys.exit(f"This cannot be checked: {exc!r}")
