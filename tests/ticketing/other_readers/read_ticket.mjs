// Reads a ticket with jira.js, somebody else's client, and prints what it shows as JSON.
// node read_ticket.mjs SITE EMAIL TOKEN KEY
import { ServiceDeskClient, Version3Client } from "jira.js";

const [host, email, apiToken, issueIdOrKey] = process.argv.slice(2);
const settings = { host, authentication: { basic: { email, apiToken } } };
const jira = new Version3Client(settings);

const issue = await jira.issues.getIssue({ issueIdOrKey, expand: "changelog", properties: ["*all"] });
const comments = await jira.issueComments.getComments({ issueIdOrKey, expand: "properties" });
const links = await jira.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey });
const shown = {
  summary: issue.fields.summary,
  description: issue.fields.description,
  labels: issue.fields.labels,
  due: issue.fields.duedate,
  status: issue.fields.status.statusCategory.key,
  properties: issue.properties,
  comments: comments.comments.map((each) => ({ body: each.body, properties: each.properties, public: each.jsdPublic })),
  moves: issue.changelog.histories.flatMap((each) => each.items.filter((item) => item.field === "status")).length,
  links: links.map((each) => each.object.url),
};
if (issue.fields.project.projectTypeKey === "service_desk") {
  const request = await new ServiceDeskClient(settings).request.getCustomerRequestByIdOrKey({ issueIdOrKey });
  shown.requestType = request.requestTypeId;
}
console.log(JSON.stringify(shown));
