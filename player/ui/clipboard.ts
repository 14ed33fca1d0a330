/** Puts a text on the clipboard. */

/**
 * Over plain HTTP from another machine there is no clipboard for pages; the way of old still works there.
 *
 * @returns false when the person, or the browser's policy, does not want it.
 */
export async function copied(text: string): Promise<boolean> {
  try {
    if (globalThis.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
    const area = document.createElement('textarea');
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  } catch {
    return false;
  }
}
