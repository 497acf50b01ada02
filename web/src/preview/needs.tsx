// Permissions that the service account needs.
import type { VNode } from "preact";
import type { Needs } from "runai-spec";
import * as files from "../files";

export function NeedsView({ needs }: { needs: Needs }): VNode {
  const { needed, roles, scope } = needs.permissions;
  const role = `${JSON.stringify(needs.role, null, 2)}\n`;
  return (
    <>
      <div class="bar">
        <p class="note">For the service account, at {scope} scope</p>
        <button type="button" onClick={() => void files.copy(role, "the role")}>
          Copy role
        </button>
        <button type="button" aria-label="Download role" onClick={() => files.download(role, "role.json", "application/json")}>
          Download
        </button>
      </div>
      <div class="needs" tabIndex={0} role="group" aria-label="Needs">
        <table>
          <thead>
            <tr>
              <th scope="col">Entity</th>
              <th scope="col">Action</th>
              <th scope="col">For</th>
            </tr>
          </thead>
          <tbody>
            {needed.map(({ entity, action, operation, setting }) => (
              <tr key={`${entity} ${action} ${setting}`}>
                <th scope="row">{entity}</th>
                <td>{action}</td>
                <td>
                  {operation}
                  {setting !== null && <code>{setting}</code>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <h3>Smallest predefined role</h3>
        <ul>
          {roles.map(({ name, versions, uncertain }) => (
            <li key={name}>
              <strong>{name}</strong> <span class="muted">Run:ai {versions}</span>
              {uncertain.length > 0 && <span class="muted">; unconfirmed: {uncertain.join(", ")}</span>}
            </li>
          ))}
        </ul>
        <h3>Or a custom role with these permission sets</h3>
        <ul>
          {needs.sets.map(({ name, covers }) => (
            <li key={name}>
              <code>{name}</code> <span class="muted">{covers.map(({ entity, action }) => `${entity}: ${action}`).join(", ")}</span>
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}
