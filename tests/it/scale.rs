//! `examples/scale/`: that its files are YAML, that the settings in them are settings, and that what they name of each other
//! and of the gateway is there. Nothing of it is started: that takes Docker or Kubernetes.

use outfitter::settings::Settings;
use outfitter::store::Address;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scale")
}

fn read(name: &str) -> Vec<Yaml> {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every object of the manifests.
fn manifests() -> Vec<Yaml> {
    ["gateway", "redis", "postgres"].iter().flat_map(|name| read(&format!("kubernetes/{name}.yaml"))).collect()
}

fn text(yaml: &Yaml) -> &str {
    yaml.as_str().unwrap_or_default()
}

/// Every value of this key, however deep.
fn all<'a>(yaml: &'a Yaml, key: &str, found: &mut Vec<&'a Yaml>) {
    match yaml {
        Yaml::Hash(hash) => {
            for (name, value) in hash {
                if name.as_str() == Some(key) {
                    found.push(value);
                }
                all(value, key, found);
            }
        }
        Yaml::Array(items) => items.iter().for_each(|item| all(item, key, found)),
        _ => {}
    }
}

/// The settings of a file's text and of an environment, with the address of the store read as the gateway reads it.
fn settings(toml: &str, environment: Vec<(String, String)>) -> Settings {
    let settings = Settings::read(Path::new("outfitter.toml"), toml, environment).unwrap();
    Address::parse(settings.store.url.as_deref().unwrap()).unwrap();
    assert!(!settings.ingest.secrets.is_empty(), "replicas need one secret");
    assert!(settings.store.decisions.url.as_deref().unwrap().starts_with("postgres://"));
    assert_eq!(settings.server.listen.port(), 4000);
    assert!(settings.server.listen.ip().is_unspecified());
    settings
}

#[test]
fn the_compose_file_gives_the_gateway_settings_and_names_services_that_are_there() {
    let compose = &read("compose.yaml")[0];
    let environment = compose["x-gateway"]["environment"].as_hash().unwrap();
    let environment: Vec<(String, String)> =
        environment.iter().map(|(name, value)| (text(name).to_owned(), text(value).to_owned())).collect();
    let settings = settings("", environment);
    let services: BTreeSet<&str> = compose["services"].as_hash().unwrap().keys().map(text).collect();
    let url = settings.store.url.unwrap();
    for host in url.trim_start_matches("redis+cluster://").split(',') {
        assert!(services.contains(host.trim_end_matches(":6379")), "{host}");
    }
    assert!(services.contains("postgres"));
    // Merged keys stay references in this reader: what each service depends on is looked up where it stands.
    let mut depends = Vec::new();
    all(compose, "depends_on", &mut depends);
    assert!(depends.len() >= 3);
    for name in depends.iter().filter_map(|on| on.as_hash()).flat_map(|on| on.keys()) {
        assert!(services.contains(text(name)), "{name:?}");
    }
    let balancer = std::fs::read_to_string(folder().join("nginx.conf")).unwrap();
    for gateway in ["gateway-1", "gateway-2"] {
        assert!(services.contains(gateway) && balancer.contains(&format!("server {gateway}:4000")));
    }
    assert!(folder().join("../..").join(text(&compose["x-gateway"]["build"]["dockerfile"])).exists());
}

#[test]
fn the_manifests_give_the_gateway_settings_and_name_objects_that_are_there() {
    let objects = manifests();
    let of = |kind: &str| objects.iter().filter(|object| text(&object["kind"]) == kind).collect::<Vec<_>>();
    let named = |kind: &str| of(kind).iter().map(|object| text(&object["metadata"]["name"])).collect::<BTreeSet<_>>();
    for object in &objects {
        assert!(
            !object["apiVersion"].is_badvalue() && text(&object["metadata"]["namespace"]) == "outfitter",
            "{object:?}"
        );
    }

    let gateway = of("Deployment")[0];
    let container = &gateway["spec"]["template"]["spec"]["containers"][0];
    let environment = container["env"].as_vec().unwrap().iter().filter(|variable| !variable["value"].is_badvalue());
    let environment =
        environment.map(|variable| (text(&variable["name"]).to_owned(), text(&variable["value"]).to_owned()));
    let toml = text(&of("ConfigMap")[0]["data"]["outfitter.toml"]);
    let settings = settings(toml, environment.collect());
    assert!(settings.store.password.is_some());

    // The nodes of the cluster are pods of the set, by the name of its service.
    let redis = of("StatefulSet").into_iter().find(|set| text(&set["metadata"]["name"]) == "redis").unwrap();
    let nodes = redis["spec"]["replicas"].as_i64().unwrap();
    let url = settings.store.url.unwrap();
    for host in url.trim_start_matches("redis+cluster://").split(',') {
        let nth = host.strip_prefix("redis-").and_then(|rest| rest.strip_suffix(".redis:6379")).unwrap();
        assert!(nth.parse::<i64>().unwrap() < nodes, "{host}");
    }
    let services = named("Service");
    assert!(
        services.contains("redis") && services.contains("postgres") && services.contains("gateway"),
        "{services:?}"
    );

    // What is for operators stays inside.
    let rule = &of("Ingress")[0]["spec"]["rules"][0]["http"]["paths"];
    let paths: Vec<&str> = rule.as_vec().unwrap().iter().map(|path| text(&path["path"])).collect();
    assert_eq!(paths, ["/graphql", "/events", "/webhooks"]);
    assert!(of("Service").iter().all(|service| text(&service["spec"]["type"]) != "LoadBalancer"));

    // The probes ask for what the gateway serves, on the port on which it listens.
    for (probe, path) in [("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live")] {
        assert_eq!(text(&container[probe]["httpGet"]["path"]), path);
        assert_eq!(text(&container[probe]["httpGet"]["port"]), text(&container["ports"][0]["name"]));
    }
    assert_eq!(container["ports"][0]["containerPort"].as_i64(), Some(4000));
    let grace = gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(u64::try_from(grace).unwrap() > settings.server.grace.as_secs());

    // Everything that selects pods selects some.
    let pods: BTreeSet<&str> = ["Deployment", "StatefulSet"]
        .iter()
        .flat_map(|kind| of(kind))
        .map(|set| text(&set["spec"]["template"]["metadata"]["labels"]["app"]))
        .collect();
    for object in &objects {
        let mut found = Vec::new();
        all(object, "app", &mut found);
        assert!(found.iter().all(|app| pods.contains(text(app))), "{object:?}");
    }
    // Every secret is one key of the one that the file says how to make.
    let head = std::fs::read_to_string(folder().join("kubernetes/gateway.yaml")).unwrap();
    let mut keys = Vec::new();
    objects.iter().for_each(|object| all(object, "secretKeyRef", &mut keys));
    assert!(keys.len() >= 4);
    for key in keys {
        assert!(head.contains(&format!("--from-literal={}=", text(&key["key"]))), "{key:?}");
        assert_eq!(text(&key["name"]), "outfitter");
    }
}
