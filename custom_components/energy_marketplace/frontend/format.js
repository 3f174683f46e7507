// Numbers and times as the reader's Home Assistant writes them.

export class Format {
  constructor(hass) {
    this.language = hass.locale?.language ?? hass.language ?? "en";
    this.zone = hass.locale?.time_zone === "local" ? undefined : hass.config?.time_zone;
    const clock = hass.locale?.time_format;
    this.isLocal = this.zone === undefined;
    this.hour12 = clock === "12" ? true : clock === "24" ? false : undefined;
  }

  number(value, least = 0, most = 3) {
    const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
    return new Intl.NumberFormat(this.language, digits).format(value);
  }

  // Small amounts keep the digits that make them differ from nothing.
  money(value, currency) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size >= 1 || size === 0) return this.exactMoney(value, currency, 2, 2);
    return this.exactMoney(value, currency, 2, size < 0.001 ? 6 : 4);
  }

  // Amounts that stand below each other have the same digits.
  exactMoney(value, currency, least = 4, most = 4) {
    const style = { style: "currency", currency, minimumFractionDigits: least, maximumFractionDigits: most };
    return new Intl.NumberFormat(this.language, style).format(value);
  }

  price(value, currency) {
    if (value === null || value === undefined) return "–";
    return `${this.number(value, 2, 4)} ${currency}/kWh`;
  }

  share(value) {
    return new Intl.NumberFormat(this.language, { style: "percent", maximumFractionDigits: 1 }).format(value);
  }

  energy(value) {
    return value === null || value === undefined ? "–" : `${this.number(value)} kWh`;
  }

  time(moment, seconds = false) {
    const shape = { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined };
    return this.#moment(moment, shape);
  }

  day(moment) {
    return this.#moment(moment, { weekday: "short", day: "numeric", month: "short" });
  }

  full(moment, seconds = false) {
    return `${this.day(moment)} ${this.time(moment, seconds)}`;
  }

  // What a person enters is in the zone in which times are shown: this browser's, or Home Assistant's own.
  entered(value) {
    return this.isLocal ? new Date(value).toISOString() : value;
  }

  #moment(moment, shape) {
    const options = { ...shape, timeZone: this.zone, hour12: this.hour12 };
    return new Intl.DateTimeFormat(this.language, options).format(new Date(moment));
  }
}
