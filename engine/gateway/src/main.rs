//! The `pincer` binary (temporary start-up while the command line is being built).
mod identity;
mod serve;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let get = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned();
    let state_dir: std::path::PathBuf = get("--state-dir").unwrap().into();
    std::fs::create_dir_all(&state_dir).unwrap();
    let config_path: std::path::PathBuf =
        get("--config").map(Into::into).unwrap_or(state_dir.join("openclaw.json"));
    let raw = std::fs::read_to_string(&config_path).ok();
    let loaded = raw.as_deref().map_or(pincer_config::Loaded::absent(), |raw| {
        pincer_config::load(raw, &config_path, &mut |p| std::fs::read_to_string(p), &|n| {
            std::env::var(n).ok()
        })
    });
    let token =
        get("--token").map(pincer_config::Secret::new).unwrap_or(loaded.config.gateway.auth.token.clone());
    let serve = serve::Serve {
        listen: vec![format!("127.0.0.1:{}", get("--port").unwrap()).parse().unwrap()],
        token,
        password: loaded.config.gateway.auth.password.clone(),
        loaded,
        raw,
        config_path,
        store_path: get("--store").map(Into::into).unwrap_or(state_dir.join("state").join("pincer.json")),
        state_dir,
        shards: get("--shards").unwrap_or("1".into()).parse().unwrap(),
        backend: pincer_runtime::Backend::Epoll,
        backend_reason: "dev".into(),
        log_level: pincer_shard::driver::LogLevel::Info,
        fsync: true,
    };
    let server = match serve::start(serve, &mut |line| println!("{line}")) {
        Ok(s) => s,
        Err(r) => {
            eprintln!("{}", r.message);
            std::process::exit(if r.config { 78 } else { 1 })
        }
    };
    for a in server.addrs() {
        println!("listening on {a}");
    }
    let _ = server.join();
}
