/** A dialog over the page: the browser keeps the focus inside, and Escape or a click beside it closes it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ShapeIcon } from './icons.tsx';

export interface DialogProps {
  readonly title: string;
  readonly name: string;
  readonly onClose: () => void;
  /** A click beside it does not close it: what was typed would be lost. */
  readonly staysOpen?: boolean;
  readonly children: ComponentChildren;
}

export function Dialog({ title, name, onClose, staysOpen = false, children }: DialogProps) {
  const dialogRef = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const dialog = dialogRef.current;
    // What lies beside the dialog is its backdrop, and a click there has the dialog itself as its target.
    const onClick = (event: MouseEvent) => {
      if (!staysOpen && event.target === dialog) dialog?.close();
    };
    dialog?.showModal();
    dialog?.addEventListener('click', onClick);
    return () => {
      dialog?.removeEventListener('click', onClick);
      if (before instanceof HTMLElement) before.focus();
    };
  }, [staysOpen]);
  return (
    <dialog ref={dialogRef} class={`dialog ${name}`} aria-labelledby={`${name}-title`} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={`${name}-title`}>{title}</h2>
        <button type="button" class="tool" aria-label="Close" onClick={() => dialogRef.current?.close()}>
          <ShapeIcon shape="close" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
