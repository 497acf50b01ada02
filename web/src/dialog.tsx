import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

/** A modal dialog. Escape or a click on the backdrop closes it; focus returns to the previous element. */
export function Dialog({ title, close, children }: { title: string; close(): void; children: ComponentChildren }): VNode {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onClose={close}
      onClick={(event) => event.target === ref.current && ref.current?.close()}
    >
      <div class="dialog">
        <div class="bar">
          <h2 id={id}>{title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick={() => ref.current?.close()}>
            ✕
          </button>
        </div>
        <div class="content">{children}</div>
      </div>
    </dialog>
  );
}
