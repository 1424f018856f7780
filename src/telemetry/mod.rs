//! Layer 0: typed telemetry. An event struct writes log line and metric together; names are kept in one place.
