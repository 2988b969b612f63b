import "bitwise"
import "date"

option task = {name: "dustline_1h", every: 1h, offset: 5m}

stop = date.add(d: 1s, to: date.truncate(t: now(), unit: 1h))
start = date.sub(d: 2d, from: stop)

raw = (field) =>
    from(bucket: "warsaw")
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "reading" and r._field == field)

good = (field, mask, qc) =>
    from(bucket: "warsaw")
        |> range(start: start, stop: stop)
        |> filter(fn: (r) => r._measurement == "reading")
        |> filter(fn: (r) => r._field == field or r._field == "flags" or r._field == "qc")
        |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
        |> rename(fn: (column) => if column == field then "_value" else column)
        |> filter(fn: (r) => exists r._value and exists r.flags and exists r.qc)
        |> filter(fn: (r) => bitwise.sand(a: r.flags, b: mask) == 0 and bitwise.sand(a: r.qc, b: qc) == 0)

keep = (tables=<-, fn, name) =>
    tables
        |> aggregateWindow(every: 1h, offset: 1s, fn: fn, timeSrc: "_start", createEmpty: false)
        |> set(key: "_measurement", value: "reading_1h")
        |> set(key: "_field", value: name)
        |> to(bucket: "warsaw_means")

// pm: without the readings that have a flag of 1073742079
// and without those that the checks have not judged, or gave a bit of 50415
good(field: "pm1", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm1") |> yield(name: "pm1")
good(field: "pm1", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm1_n") |> yield(name: "pm1_n")
good(field: "pm25", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm25") |> yield(name: "pm25")
good(field: "pm25", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm25_n") |> yield(name: "pm25_n")
good(field: "pm4", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm4") |> yield(name: "pm4")
good(field: "pm4", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm4_n") |> yield(name: "pm4_n")
good(field: "pm10", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm10") |> yield(name: "pm10")
good(field: "pm10", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm10_n") |> yield(name: "pm10_n")
good(field: "pm25_cf1", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm25_cf1") |> yield(name: "pm25_cf1")
good(field: "pm25_cf1", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm25_cf1_n") |> yield(name: "pm25_cf1_n")
good(field: "pm25_cor", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm25_cor") |> yield(name: "pm25_cor")
good(field: "pm25_cor", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm25_cor_n") |> yield(name: "pm25_cor_n")
good(field: "pm10_cor", mask: 1073742079, qc: 50415) |> keep(fn: mean, name: "pm10_cor") |> yield(name: "pm10_cor")
good(field: "pm10_cor", mask: 1073742079, qc: 50415) |> keep(fn: count, name: "pm10_cor_n") |> yield(name: "pm10_cor_n")
// climate: without the readings that have a flag of 1073742656
// and without those that the checks have not judged, or gave a bit of 512
good(field: "temp", mask: 1073742656, qc: 512) |> keep(fn: mean, name: "temp") |> yield(name: "temp")
good(field: "temp", mask: 1073742656, qc: 512) |> keep(fn: count, name: "temp_n") |> yield(name: "temp_n")
good(field: "rh", mask: 1073742656, qc: 512) |> keep(fn: mean, name: "rh") |> yield(name: "rh")
good(field: "rh", mask: 1073742656, qc: 512) |> keep(fn: count, name: "rh_n") |> yield(name: "rh_n")
good(field: "press", mask: 1073742656, qc: 512) |> keep(fn: mean, name: "press") |> yield(name: "press")
good(field: "press", mask: 1073742656, qc: 512) |> keep(fn: count, name: "press_n") |> yield(name: "press_n")
// all readings, whatever their flags
raw(field: "seq") |> keep(fn: count, name: "readings") |> yield(name: "readings")
