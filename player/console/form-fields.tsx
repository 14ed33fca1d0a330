/** Fields of a form: a label, help, and what the API had against the last value. */
import { createContext } from 'preact';
import { useContext, useId } from 'preact/hooks';

/** What is wrong, by the name of the field. */
export const ProblemsContext = createContext<ReadonlyMap<string, string>>(new Map());

export interface TextFieldProps {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly type?: 'text' | 'number' | 'password';
  readonly required?: boolean;
  /** The first field of a dialog: what is typed at once goes there. */
  readonly autofocus?: boolean;
  readonly defaultValue?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly placeholder?: string;
  /** More than 1: a text area. */
  readonly rowCount?: number;
}

export function TextField({ name, label, help, rowCount = 1, type = 'text', ...rest }: TextFieldProps) {
  const id = useId();
  const problem = useContext(ProblemsContext).get(name);
  const shared = {
    id,
    name,
    ...rest,
    // Browsers say it when they refuse what was typed; of the pattern alone nobody could guess what is wanted.
    ...(rest.pattern === undefined || help === undefined ? {} : { title: help }),
    autocomplete: 'off' as const,
    spellcheck: false,
    'aria-describedby': `${id}-help`,
    'aria-invalid': problem !== undefined,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rowCount > 1 ? <textarea rows={rowCount} {...shared} /> : <Input type={type} {...shared} />}
      <p id={`${id}-help`} class={problem === undefined ? 'help' : 'problem'}>
        {problem === undefined ? help : `This ${problem}.`}
      </p>
    </div>
  );
}

/** The types of JSX want each kind of input by itself. */
function Input({
  type,
  ...rest
}: { readonly type: 'text' | 'number' | 'password' } & Omit<TextFieldProps, 'label' | 'type'>) {
  if (type === 'number') return <input type="number" {...rest} />;
  return type === 'password' ? <input type="password" {...rest} /> : <input type="text" {...rest} />;
}

export interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

export function Choice({ name, label, help, options }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} name={name} aria-describedby={help === undefined ? undefined : `${id}-help`}>
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {help && (
        <p id={`${id}-help`} class="help">
          {help}
        </p>
      )}
    </div>
  );
}
