// A sensor in words: what it is, what it says of itself, and what to do when it is not heard.
import { has, text, whole } from "./i18n.js";

const MODELS = {
  sds011: "Nova SDS011",
  pms3003: "Plantower PMS3003",
  pms5003: "Plantower PMS5003",
  pms5003t: "Plantower PMS5003T",
  pms5003st: "Plantower PMS5003ST",
  pms7003: "Plantower PMS7003",
  pmsa003: "Plantower PMSA003",
  pmsa003i: "Plantower PMSA003I",
  sps30: "Sensirion SPS30",
  sen50: "Sensirion SEN50",
  sen54: "Sensirion SEN54",
  sen55: "Sensirion SEN55",
  bme280: "Bosch BME280",
  bmp280: "Bosch BMP280",
  sht3x: "Sensirion SHT3x",
  sht4x: "Sensirion SHT4x",
  dht22: "DHT22",
};

export function modelName(model) {
  return model === "auto" ? text("sensorAuto") : (MODELS[model] ?? model);
}

// "Nova SDS011 (a), no. a160, firmware 18-11-16, laser 1,235 h. RX and TX, or SDA and SCL, are exchanged: ..."
export function sensorText(sensor, withSlot) {
  const said = [modelName(sensor.model) + (withSlot ? ` (${sensor.slot})` : "")];
  if (sensor.id) said.push(text("sensorId", { id: sensor.id }));
  if (sensor.fw) said.push(text("firmware", { version: sensor.fw }));
  // The node counts for climate sensors too, which have none: nothing to say.
  if (sensor.laser_h) said.push(text("laserHours", { hours: whole(sensor.laser_h) }));
  const advice = sensor.state && has(`sensor_${sensor.state}`) ? text(`sensor_${sensor.state}`) : sensor.state;
  return said.join(", ") + (advice ? `. ${advice}` : "");
}
