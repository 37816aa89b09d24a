// Texts as they are, and nothing hidden: what cannot be seen or looks like something else is marked.

import { html } from "./vendor/htm-preact.js";

// Controls, joiners and marks of direction, tags, and what only looks like a space; not tab and line ends.
const HIDDEN =
  /([\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}])/u;
const LATIN = /\p{Script=Latin}/u;
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;
const NAMES = { 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2066: "LRI" };
Object.assign(NAMES, { 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0x200b: "ZWSP", 0x200e: "LRM", 0x200f: "RLM" });
// A joiner that is at home: between the parts of an emoji, or the letters of scripts that need it.
const JOINED =
  /([\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}\ufe0f]\u200d(?=\p{Extended_Pictographic})|[\p{M}\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Sinhala}][\u200c\u200d](?=[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Malayalam}\p{Script=Sinhala}]))/u;

/** A text in which whatever hides can be seen; it cannot turn the text around it. */
export function Visible({ text }) {
  return html`<bdi>${marked(text)}</bdi>`;
}

/** The same as a list of strings and elements. */
export function marked(text) {
  return text
    .split(JOINED)
    .flatMap((part, i) => (i % 2 ? [part] : part.split(HIDDEN).map((piece, k) => (k % 2 ? chip(piece) : piece))))
    .flatMap((piece) => (typeof piece === "string" ? piece.split(/(\s+)/).map(word) : [piece]))
    .filter((piece) => piece !== "");
}

function chip(character) {
  const code = character.codePointAt(0);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return html`<span class="hidden-character" title="An invisible character, ${name}">${NAMES[code] ?? name}</span>`;
}

function word(piece) {
  if (!(LATIN.test(piece) && LOOKALIKE.test(piece))) return piece;
  return html`<span class="lookalike" title="Letters of several scripts that look alike">${piece}</span>`;
}

/** The first `n` characters as Python counts them, and the rest. */
export function cutAt(text, n) {
  const characters = Array.from(text);
  return [characters.slice(0, n).join(""), characters.slice(n).join("")];
}
