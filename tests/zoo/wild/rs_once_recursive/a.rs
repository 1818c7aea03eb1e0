use std::sync::OnceLock;

static CONFIG: OnceLock<String> = OnceLock::new();

fn config() -> &'static str {
    CONFIG.get_or_init(default_name)
}

fn default_name() -> String {
    format!("{}-default", config())
}

fn main() {
    println!("{}", config());
}
