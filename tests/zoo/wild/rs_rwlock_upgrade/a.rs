use std::collections::HashMap;
use std::sync::RwLock;

// The guard of the read lives until the end of the `if let`, else branch and all (before edition 2024).
fn cached(map: &RwLock<HashMap<u32, u32>>, key: u32) -> u32 {
    if let Some(v) = map.read().unwrap().get(&key) {
        *v
    } else {
        let v = key * 2;
        map.write().unwrap().insert(key, v);
        v
    }
}

fn main() {
    println!("{}", cached(&RwLock::new(HashMap::new()), 21));
}
