// Exchanges a volunteer's one-time code for a node's kit code, at the gateway that this page came from.

// {network, districts}, or null where codes cannot be exchanged: a page without a gateway, or enrolment is off.
export async function enrolment() {
  try {
    const answer = await fetch("api/enrol");
    return answer.ok && answer.headers.get("content-type")?.includes("json") ? await answer.json() : null;
  } catch {
    return null;
  }
}

// {kit_code, node, portal: {ssid, password}}. Throws an Error with the name of a text, and `detail`.
export async function exchange(code, precision, place) {
  let answer;
  let body = {};
  try {
    answer = await fetch("api/enrol", {
      method: "POST",
      headers: { "content-type": "application/json", "x-dustline": "enrol" },
      body: JSON.stringify({ code, precision, place }),
    });
    body = await answer.json();
  } catch {
    if (!answer) throw new Error("enrol_away");
  }
  if (answer.ok && body.kit_code) return body;
  const known = ["request", "code", "origin", "rate", "broker"];
  const failure = new Error(known.includes(body.reason) ? `enrol_${body.reason}` : "enrol_away");
  failure.detail = body.error ?? "";
  throw failure;
}
