/** What was filled into a form, by the names of its fields; what is empty or unchecked is absent. */
export function formTexts(form: EventTarget | null): Readonly<Record<string, string>> {
  if (!(form instanceof HTMLFormElement)) return {};
  const texts: Record<string, string> = {};
  for (const [name, value] of new FormData(form))
    if (typeof value === 'string' && value.trim() !== '') texts[name] = value.trim();
  return texts;
}
