import { Text } from "./text";

// Some of a list.
export function Choices({ legend, names, chosen, onChange }: {
  legend: string; names: string[]; chosen: string[]; onChange: (chosen: string[]) => void;
}) {
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {names.map((name) => (
        <label key={name}>
          <input type="checkbox" checked={chosen.includes(name)} onChange={(event) =>
            onChange(event.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))} /> <Text>{name}</Text>
        </label>
      ))}
    </fieldset>
  );
}
