"""The truth report as one HTML file to hand on: no script, nothing from elsewhere, and every text escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from access.truth import Verdict
from cli.export_files import whole_file
from cli.output import moment
from cli.truth_report import certificate_facts, in_order, row_facts
from tasks.truth.report import TruthReport

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>Are these tickets true?</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #d8dee4; }
td { overflow-wrap: anywhere; }
.totals { width: auto; } .totals td:first-child { text-align: right; font-variant-numeric: tabular-nums; }
.not_true, .no_longer_true { color: #b42318; } .cannot_be_said { color: #93620b; } .true, .ended_as_agreed { color: #1a7f37; }
.small { color: #57606a; font-size: .85rem; } code { font-size: .85em; }
@media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
<h1>Are these tickets true?</h1>
<p>{{ certificate.tickets.count }} tickets of <code>{{ certificate.tickets.source }}</code>, compared with what the systems showed
from {{ certificate.began_at }} to {{ certificate.ended_at }}. Nothing was written.</p>
<table class="totals">
{% for verdict, count in totals %}<tr><td>{{ count }}</td><td class="{{ verdict }}">{{ verdict.label }}</td></tr>
{% endfor %}{% for reason, count in unsaid_because %}<tr class="small"><td></td><td>{{ count }} {{ reason }}</td></tr>
{% endfor %}{% if left_out %}<tr><td>{{ left_out | length }}</td><td>left out: declined, or not closed</td></tr>
{% endif %}</table>
{% if not_so_now %}<p>Of those of which it cannot be said, {{ not_so_now }} are not as the ticket says now.</p>
{% endif %}{% if certificate.tickets.more %}<p>There are more tickets of this query than were read.</p>
{% endif %}{% for verdict, rows in sections %}
<h2 class="{{ verdict }}">{{ verdict.label | capitalize }}</h2>
<table>
<tr><th>Ticket</th><th>Says</th><th>Because</th><th>Closed</th></tr>
{% for row in rows %}<tr>
<td>{% if row.url %}<a href="{{ row.url }}">{{ row.ticket }}</a>{% else %}{{ row.ticket }}{% endif %}</td>
<td>{{ row.action or "?" }} {{ row.account_title or row.person or "?" }}: {{ row.thing or "?" }}</td>
<td>{{ row.because }}</td>
<td class="small">{{ row.closed_at or "?" }}{% if row.closed_by %}<br>by {{ row.closed_by }}{% endif %}</td></tr>
{% endfor %}</table>
{% endfor %}{% if left_out %}
<h2>Left out</h2>
<table>
<tr><th>Ticket</th><th>Status</th><th>Because</th></tr>
{% for each in left_out %}<tr><td>{{ each.ticket }}</td><td>{{ each.status }}</td><td>{{ each.why }}</td></tr>
{% endfor %}</table>
{% endif %}
<h2>What was read</h2>
<p class="small">SHA-256 over all of it: <code>{{ certificate.sha256 }}</code>. Calls:
{% for system, count in certificate.calls.items() %}{{ count }} to {{ system }}{{ ", " if not loop.last }}{% endfor %}.</p>
<table>
<tr><th>System</th><th>As</th><th>Log</th><th>What is missing</th></tr>
{% for each in certificate.systems %}<tr><td>{{ each.system }}</td><td>{{ each.credential_of }}</td>
<td>{% if each.log.entries %}{{ each.log.entries }} entries, back to {{ each.log.reaches }}{% endif %}</td>
<td>{{ each.gap or "" }} {{ each.log.note }} {{ each.notes | join(" ") }}</td></tr>
{% endfor %}</table>
<table class="small">
<tr><th>List</th><th>Rows</th><th>Pages</th><th>Read at</th><th>SHA-256</th></tr>
{% for each in certificate.lists %}<tr><td>{{ each.system }} {{ each.list }}</td><td>{{ each.rows }}</td><td>{{ each.pages }}</td>
<td>{{ each.began_at }}</td><td>{% if each.gap %}{{ each.gap }}{% else %}<code>{{ each.sha256[:16] }}</code>{% endif %}</td></tr>
{% endfor %}</table>
</body>
</html>
"""

_PAGES = Environment(autoescape=True, undefined=StrictUndefined)


def write_html(file: Path, report: TruthReport) -> None:
    """Write the page. Raises ``Problem``."""
    with whole_file(file) as sink:
        sink.write(page(report).encode(errors="backslashreplace"))


def page(report: TruthReport) -> str:
    """The report as HTML."""
    rows = [row_facts(line) for line in in_order(report)]
    sections = [(verdict, [row for row in rows if row["verdict"] == verdict]) for verdict in Verdict]
    return _PAGES.from_string(_PAGE).render(
        totals=list(report.totals.items()),
        not_so_now=report.not_so_now,
        unsaid_because=[(reason.replace("_", " "), count) for reason, count in report.unsaid_because.items()],
        left_out=report.left_out,
        sections=[(verdict, found) for verdict, found in sections if found],
        certificate=certificate_facts(report.certificate),
        made_at=moment(report.certificate.ended_at),
    )
