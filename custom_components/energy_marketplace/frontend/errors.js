// What went wrong, in the reader's language where the integration has words for it.

const DOMAIN = "energy_marketplace";

export async function explain(hass, error) {
  const { translation_key: key, translation_placeholders: values, message } = error;
  if (key && hass.loadBackendTranslation) {
    await hass.loadBackendTranslation("exceptions", DOMAIN);
    const said = hass.localize(`component.${DOMAIN}.exceptions.${key}.message`, values ?? {});
    if (said) return said;
  }
  return message ?? String(error);
}
