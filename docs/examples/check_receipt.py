#!/usr/bin/env python3
"""Check a receipt of Provisor: python3 check_receipt.py receipt.json [HASH of a seal that is noted outside]."""

import sys
from hashlib import sha256
from json import dumps, loads
from pathlib import Path


def need(holds, says):
    if not holds:
        sys.exit(f"Not as it was made: {says}")


def check(raw, noted=None):
    receipt, seals, hashes, tight = loads(raw), {}, [], {"sort_keys": True, "separators": (",", ":")}
    need((dumps(receipt, sort_keys=True, indent=1) + "\n").encode() == raw, "it is not spelled as it was written")
    said = receipt.pop("document_sha256")
    need(sha256((dumps(receipt, sort_keys=True, indent=1) + "\n").encode()).hexdigest() == said, "it was changed")
    for seal in receipt["seals"]:
        need(sha256(dumps(seal["covers"], **tight).encode()).hexdigest() == seal["hash"], "a seal was changed")
        follows = not hashes or seal["covers"]["previous"] == hashes[-1] or "whole" not in receipt["chain"]
        need(follows, "a seal does not follow the one before it")
        seals[seal["covers"]["number"]] = seal["covers"]["digest"]
        hashes.append(seal["hash"])
    sealed = [proof for proof in receipt["audit"] if proof["seal"] is not None]
    for proof in sealed:
        reached = sha256(b"\0" + bytes.fromhex(proof["salt"]) + dumps(proof["row"], **tight).encode()).digest()
        for side, other in proof["path"]:
            pair = bytes.fromhex(other) + reached if side == "left" else reached + bytes.fromhex(other)
            reached = sha256(b"\1" + pair).digest()
        need(reached.hex() == seals[proof["seal"]], f"row {proof['row']['number']} is not the one that was sealed")
        same = proof["row"]["detail"].get("approved_by") == receipt["approval"]["approved_by"]
        need(same or proof["row"]["event"] != "request.received", "the approval is not the one in the audit trail")
    need(noted is None or noted in hashes, "the seal noted outside is not in it")
    print(receipt["request"]["id"], "unchanged, rows sealed:", len(sealed), "of", len(receipt["audit"]), *hashes[-1:])


if __name__ == "__main__":
    check(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])
