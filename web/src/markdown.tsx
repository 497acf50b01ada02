// The Markdown subset of the core's texts: paragraphs, lists, code blocks, code and emphasis.
import { type ComponentChildren, Fragment, type VNode } from "preact";

export function Markdown({ text }: { text: string }): VNode {
  const blocks = text.trim().split(/\n{2,}/u);
  return <>{joinCodeBlocks(blocks).map((block, index) => <Fragment key={index}>{renderBlock(block)}</Fragment>)}</>;
}

/** Joins code blocks that contain empty lines. */
function joinCodeBlocks(blocks: string[]): string[] {
  const out: string[] = [];
  for (const block of blocks) {
    const last = out.at(-1);
    if (last !== undefined && (last.match(/^```/gmu)?.length ?? 0) % 2 === 1) out[out.length - 1] = `${last}\n\n${block}`;
    else out.push(block);
  }
  return out;
}

function renderBlock(block: string): VNode {
  const code = /^```\w*\n([\s\S]*?)\n?```$/u.exec(block);
  if (code) return <pre class="sample" tabIndex={0}>{code[1]}</pre>;
  if (/^(#+) /u.test(block)) return <h4>{inline(block.replace(/^#+ /u, ""))}</h4>;
  if (/^[*-] /u.test(block)) {
    return <ul>{block.split(/\n(?=[*-] )/u).map((item) => <li key={item}>{inline(item.slice(2))}</li>)}</ul>;
  }
  return <p>{inline(block)}</p>;
}

const PARTS = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/u;

/** Renders inline code and emphasis. Links become plain text: the page links nowhere. */
export function inline(text: string): ComponentChildren {
  return text.split(PARTS).map((part, index) => {
    if (part.startsWith("`")) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <strong key={index}>{part.slice(2, -2)}</strong>;
    // Preact would rewrite an empty text node on every render.
    return part === "" ? null : (/^\[([^\]]+)\]\(/u.exec(part)?.[1] ?? part);
  });
}
