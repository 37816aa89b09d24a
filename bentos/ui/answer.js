// An answer of the model, and what a person says of it.

import { html, useState } from "./vendor/htm-preact.js";
import { percent } from "./numbers.js";
import { feedback } from "./service.js";

/** Labels with their scores as bars; of a rating its number and where the truth may lie. */
export function Answer({ answer, service }) {
  if (service.problem_type === "regression") return html`<${Rating} ...${answer[0]} />`;
  const chosen = chosenOf(answer, service);
  return html`<ul class="bars" aria-label="Scores">
    ${answer.map(
      ({ label, score }) => html`<li class=${chosen.includes(label) ? "chosen" : ""}>
        <span class="label">${label}</span>
        <span class="track" aria-hidden="true"><span style=${{ width: `${100 * score}%` }}></span></span>
        <span class="score">${percent(score)}</span>
      </li>`,
    )}
  </ul>`;
}

function Rating({ label, score, interval }) {
  const between = interval && `most likely between ${interval.map((end) => end.toFixed(2)).join(" and ")}`;
  return html`<p class="rating"><strong>${score.toFixed(2)}</strong> <span>${label}${between && `, ${between}`}</span></p>`;
}

/** The labels given: the best one, or of several each from one half on. */
export function chosenOf(answer, service) {
  if (service.problem_type !== "multi_label_classification") return [answer[0].label];
  return answer.filter(({ score }) => score >= 0.5).map(({ label }) => label);
}

/** What stands in a table. */
export function inWords(answer, service) {
  if (service.problem_type === "regression") return answer[0].score.toFixed(2);
  return chosenOf(answer, service).join(", ") || "none";
}

/** Right or wrong? Sends the true label of `item`: {requestId, index, answer}. */
export function Verdict({ item, service, short = false }) {
  const [state, setState] = useState({});
  const send = async (label) => {
    setState({ busy: true });
    try {
      await feedback(item.requestId, item.index, label, "user");
      setState({ told: `Noted: ${[label].flat().join(", ") || "none of them"}.` });
    } catch (error) {
      setState({ error: error.message });
    }
  };
  if (state.told) return html`<p class="noted" role="status">${short ? "Noted" : `${state.told} Thank you.`}</p>`;
  const failed = state.error && html`<p class="error" role="alert">${state.error}</p>`;
  if (state.asking) return html`<${TrueLabel} answer=${item.answer} service=${service} send=${send} />${failed}`;
  const { right, wrong } = short ? { right: "✓", wrong: "✗" } : { right: "Right", wrong: "Wrong" };
  const chosen = chosenOf(item.answer, service);
  const others = service.labels.filter((label) => !chosen.includes(label));
  const isPlain = service.problem_type === "single_label_classification";
  const refuse = () => (isPlain && others.length === 1 ? send(others[0]) : setState({ asking: true }));
  const confirm = { regression: item.answer[0].score, multi_label_classification: chosen }[service.problem_type];
  return html`<div class="verdict" role="group" aria-label="Is the answer right?">
    ${!short && html`<span>Is that right?</span>`}
    <button disabled=${state.busy} aria-label="Right" onClick=${() => send(confirm ?? chosen[0])}>${right}</button>
    <button disabled=${state.busy} aria-label="Wrong" onClick=${refuse}>${wrong}</button>
    ${failed}
  </div>`;
}

/** Asks for the true label in the form that the task has. */
export function TrueLabel({ answer, service, send }) {
  if (service.problem_type === "regression") return html`<${TrueNumber} send=${send} />`;
  if (service.problem_type === "multi_label_classification") {
    return html`<${TrueLabels} first=${answer ? chosenOf(answer, service) : []} service=${service} send=${send} />`;
  }
  const others = service.labels.filter((label) => label !== answer?.[0].label);
  return html`<div class="verdict" role="group" aria-label="The true label">
    <span>It is really</span>
    ${others.map((label) => html`<button onClick=${() => send(label)}>${label}</button>`)}
  </div>`;
}

export function TrueNumber({ send }) {
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(event.target).get("number").trim().replace(",", ".");
    if (given !== "" && Number.isFinite(Number(given))) send(Number(given));
  };
  return html`<form class="verdict" onSubmit=${submit}>
    <label>The true number <input name="number" inputmode="decimal" required autofocus /></label>
    <button>Send</button>
  </form>`;
}

export function TrueLabels({ first, service, send }) {
  const submit = (event) => {
    event.preventDefault();
    send(new FormData(event.target).getAll("label"));
  };
  return html`<form class="verdict" onSubmit=${submit}>
    <fieldset><legend>Those that hold</legend>
      ${service.labels.map(
        (label) => html`<label><input type="checkbox" name="label" value=${label} defaultChecked=${first.includes(label)} /> ${label}</label>`,
      )}
    </fieldset>
    <button>Send</button>
  </form>`;
}
