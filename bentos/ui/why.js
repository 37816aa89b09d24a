// Which words made the difference: the answer again without each of them, in lists, behind other requests.

import { html, useRef, useState } from "./vendor/htm-preact.js";
import { predictMany } from "./service.js";
import { marked } from "./text.js";

const PARTS = 128; // left out in turn; of a longer text several words at once
const NAMED = 3;
const LEAST = 0.005; // of a score

/** A button, then the texts with the words that speak for the answer and against it. */
export function Why({ texts, answer, service }) {
  const [state, setState] = useState({});
  const over = useRef(false);
  const { label, score } = answer[0];
  const run = async () => {
    const parts = split(texts);
    over.current = false;
    setState({ done: 0, of: parts.length });
    try {
      const effects = [];
      const told = (start, part, { value }) => {
        effects.push(...value.map((scores) => score - scores.find((one) => one.label === label).score));
        setState({ done: effects.length, of: parts.length });
      };
      await predictMany(parts.map(({ without }) => without), "why", service.max_items, told, () => over.current);
      setState(over.current ? {} : { parts: parts.map((part, i) => ({ ...part, effect: effects[i] })) });
    } catch (error) {
      setState({ error: error.message });
    }
  };
  if (state.error) return html`<p class="error" role="alert">${state.error}</p>`;
  if (state.of) {
    return html`<p class="progress"><progress aria-label="Words tried" max=${state.of} value=${state.done}></progress>
      <span>${state.done} of ${state.of} words tried</span> <button onClick=${() => (over.current = true)}>Stop</button></p>`;
  }
  if (!state.parts) return html`<button onClick=${run}>Which words made the difference?</button>`;
  return html`<${Effects} texts=${texts} parts=${state.parts} label=${label} service=${service} />`;
}

function Effects({ texts, parts, label, service }) {
  const largest = Math.max(...parts.map(({ effect }) => Math.abs(effect)), 1e-9);
  const told = (sign) =>
    parts
      .filter(({ effect }) => sign * effect > LEAST)
      .sort((one, other) => sign * (other.effect - one.effect))
      .slice(0, NAMED);
  const named = (found) =>
    found.map(({ words, effect }, i) => html`${i > 0 && ", "}<b>${marked(words.replace(/^[\p{P}]+(?=\S)|(?<=\S)[\p{P}]+$/gu, ""))}</b> ${shown(effect, service)}`);
  const [forIt, against] = [told(1), told(-1)];
  return html`<section class="why" aria-label="Words that made the difference">
    ${texts.map(
      (text, which) => html`<p class="text" dir="auto">
        ${parts.filter((part) => part.which === which).map(
          (part, i, all) => html`${text.slice(i ? all[i - 1].end : 0, part.start)}<${Part} ...${part} largest=${largest} />`,
        )}
      </p>`,
    )}
    <p>${forIt.length ? html`For ${label}: ${named(forIt)}.` : html`No single word made much of a difference.`}
      ${" "}${against.length > 0 && html`Against it: ${named(against)}.`}</p>
    <p class="soft">By how much the score of ${label} falls (or rises) when the word is left out. Words that work only together do not show.</p>
  </section>`;
}

const shown = (effect, service) =>
  `(${effect > 0 ? "−" : "+"}${service.problem_type === "regression" ? Math.abs(effect).toFixed(2) : `${(100 * Math.abs(effect)).toFixed(1)} points`})`;

function Part({ words, effect, largest }) {
  const strength = Math.abs(effect) / largest;
  const kind = strength < 0.08 || Math.abs(effect) < LEAST ? "" : effect > 0 ? "for" : "against";
  return html`<span class=${kind} style=${{ "--strength": `${Math.round(100 * strength)}%` }}>${marked(words)}</span>`;
}

/** The words of all texts with what is left without each: {which text, start, end, words, without}. */
function split(texts) {
  const words = texts.flatMap((text, which) =>
    [...text.matchAll(/\S+/g)].map(({ index, 0: word }) => ({ which, start: index, end: index + word.length })),
  );
  const size = Math.ceil(words.length / PARTS);
  const parts = [];
  for (const word of words) {
    const last = parts.at(-1);
    if (last && last.n < size && last.which === word.which) Object.assign(last, { end: word.end, n: last.n + 1 });
    else parts.push({ ...word, n: 1 });
  }
  return parts
    .map((part) => ({ ...part, words: texts[part.which].slice(part.start, part.end), without: without(texts, part) }))
    .filter((part) => part.without !== null);
}

/** null where nothing would be left, which the service does not take. */
function without(texts, { which, start, end }) {
  const left = texts.map((text, i) => (i === which ? text.slice(0, start) + text.slice(end) : text));
  if (left.some((text) => !/[\p{L}\p{N}\p{P}\p{S}]/u.test(text))) return null;
  return left.length === 1 ? left[0] : { text: left[0], text_pair: left[1] };
}
