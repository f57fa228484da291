/** The access policies of most tests of this folder. */

/** Infrastructure does everything, Developers pull. */
export const ROLES = `
[global.access_policy]
rules = [
  "identity.certificate.organizations.contains('Infrastructure')",
  "identity.certificate.organizations.contains('Developers') && request.action.startsWith('get-')",
]
`;

/** Only a certificate with the common name admin lets anybody do anything. */
export const ADMIN_ONLY = `
[global.access_policy]
rules = ["identity.certificate.common_names.contains('admin')"]
`;
