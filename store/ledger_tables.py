"""The tables of the ledger: what removals waited for, and the times that access was held past due or missing."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Table, Text

from access.ledger import Cause, Ended, SeenBy
from store.tables import Moment, metadata, one_of

#: From ``since`` on a request or an operation that takes access away waits for ``cause``, until its next mark. Append-only.
removal_waits = Table(
    "removal_waits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("since", Moment, nullable=False),
    CheckConstraint(one_of("cause", Cause), name="cause_known"),
    CheckConstraint("topic IN ('request', 'operation')", name="topic_known"),
)
Index("ix_removal_waits_ref", removal_waits.c.topic, removal_waits.c.ref, removal_waits.c.id)

#: The columns that say how many microseconds waited for which cause.
CAUSES = tuple(f"{cause}_us" for cause in Cause)

#: Times in which an access was held past due. A trigger refuses changes, and times of one access that overlap.
overstays = Table(
    "overstays",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("access_key", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("account_id", Text),
    Column("account_title", Text, nullable=False),
    Column("email", Text),
    Column("request_id", Text, nullable=False),
    Column("claim_id", Text),
    Column("operation_id", Text),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("ended", Text, nullable=False),
    Column("total_us", BigInteger, nullable=False),
    Column("bound_us", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in CAUSES),
    CheckConstraint(one_of("ended", Ended), name="ended_known"),
    CheckConstraint("until >= since", name="time_runs_forward"),
    CheckConstraint("bound_us BETWEEN 0 AND total_us", name="bound_within"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in CAUSES), name="no_negative_time"),
    CheckConstraint(f"{' + '.join(CAUSES)} = total_us", name="causes_add_up"),
)
Index("ix_overstays_access_key", overstays.c.access_key, overstays.c.until)
Index("ix_overstays_until", overstays.c.until)

#: Access that claims stand on and that was seen missing: at most one row for an access, until it is back or not claimed.
losses = Table(
    "losses",
    metadata,
    Column("access_key", Text, primary_key=True),
    Column("claim_id", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("bound_us", BigInteger, nullable=False),
    Column("seen_by", Text, nullable=False),
    CheckConstraint("bound_us >= 0", name="no_negative_time"),
    CheckConstraint(one_of("seen_by", SeenBy), name="seen_by_known"),
)

#: Times in which an access was missing that a claim stood on.
understays = Table(
    "understays",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("access_key", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("entitlement", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("account_id", Text),
    Column("account_title", Text, nullable=False),
    Column("email", Text),
    Column("request_id", Text, nullable=False),
    Column("claim_id", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("ended", Text, nullable=False),
    Column("seen_by", Text, nullable=False),
    Column("total_us", BigInteger, nullable=False),
    Column("bound_us", BigInteger, nullable=False),
    CheckConstraint("ended IN ('back', 'over')", name="ended_known"),
    CheckConstraint(one_of("seen_by", SeenBy), name="seen_by_known"),
    CheckConstraint("until >= since", name="time_runs_forward"),
    CheckConstraint("total_us >= 0 AND bound_us >= 0", name="no_negative_time"),
)
Index("ix_understays_access_key", understays.c.access_key, understays.c.until)
Index("ix_understays_until", understays.c.until)
