//! A made-up folder of MiniLM: what is read of it, and what is refused.

use super::*;
use std::fs;

const CONFIG: &str = r#"{"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64,
    "max_position_embeddings": 12, "layer_norm_eps": 1e-12, "vocab_size": 6}"#;
const VOCABULARY: &str = "[UNK]\n[CLS]\n[SEP]\nred\nhat\n##s\n";

/// Numbers that look random.
fn numbers(dims: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    Tensor::from_vec((0..dims.iter().product()).map(|_| next()).collect::<Vec<f32>>(), dims, &Device::Cpu).unwrap()
}

fn tensors() -> HashMap<String, Tensor> {
    let mut names = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![6, 32]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![12, 32]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, 32]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![32]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![32]),
    ];
    for (name, to, from) in [
        ("attention.self.query", 32, 32),
        ("attention.self.key", 32, 32),
        ("attention.self.value", 32, 32),
        ("attention.output.dense", 32, 32),
        ("intermediate.dense", 64, 32),
        ("output.dense", 32, 64),
    ] {
        names.push((format!("encoder.layer.0.{name}.weight"), vec![to, from]));
        names.push((format!("encoder.layer.0.{name}.bias"), vec![to]));
    }
    for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
        names.push((format!("encoder.layer.0.{name}.weight"), vec![32]));
        names.push((format!("encoder.layer.0.{name}.bias"), vec![32]));
    }
    names.into_iter().zip(1..).map(|((name, dims), seed)| (name, numbers(&dims, seed))).collect()
}

fn folder(config: &str, vocabulary: &str, tensors: &HashMap<String, Tensor>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    fs::write(folder.path().join("vocab.txt"), vocabulary).unwrap();
    candle_core::safetensors::save(tensors, folder.path().join("model.safetensors")).unwrap();
    folder
}

fn said(config: &str, vocabulary: &str, tensors: &HashMap<String, Tensor>) -> String {
    let folder = folder(config, vocabulary, tensors);
    MiniLm::open(folder.path(), Precision::F32).err().map(|error| error.to_string()).unwrap_or_default()
}

fn apart(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_text_alone_has_the_vector_that_it_has_among_others_and_rounding_changes_little() {
    let folder = folder(CONFIG, VOCABULARY, &tensors());
    let model = MiniLm::open(folder.path(), Precision::F32).unwrap();
    let long = "hats ".repeat(200_000);
    let texts = ["red hats", "", "🌶 hat", "red", "حذاء red", "hats red", &long];
    let mut heard = Vec::new();
    let together = model.embed_all(&texts, &mut |done| heard.push(done)).unwrap();
    assert_eq!(heard.last(), Some(&texts.len()));
    let rounded = MiniLm::open(folder.path(), Precision::Q8).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert!(apart(&model.embed(text).unwrap(), vector) < 1e-5);
        assert!((vector.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4);
        let cosine: f32 = rounded.embed(text).unwrap().iter().zip(vector).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.99, "{cosine}");
    }
    assert!(apart(&together[0], &together[5]) > 1e-3, "order is read");
}

#[test]
fn folders_that_do_not_fit_are_told_and_no_panic() {
    assert_eq!(said(CONFIG, VOCABULARY, &tensors()), "");
    assert!(said("{}", VOCABULARY, &tensors()).contains("hidden_size"));
    assert!(said(&CONFIG.replace("4,", "0,"), VOCABULARY, &tensors()).contains("num_attention_heads"));
    assert!(said(&CONFIG.replace("4,", "5,"), VOCABULARY, &tensors()).contains("do not fit together"));
    assert!(
        said(&CONFIG.replace("\"hidden_size\": 32", "\"hidden_size\": 64"), VOCABULARY, &tensors())
            .contains("[12, 64]")
    );
    assert!(said(CONFIG, "red\nhat\n", &tensors()).contains("[CLS]"));
    assert!(said(CONFIG, "[CLS]\n[SEP]\n", &tensors()).contains("[2, 32]"));
    let mut missing = tensors();
    missing.remove("encoder.layer.0.output.dense.bias");
    assert!(said(CONFIG, VOCABULARY, &missing).contains("missing"));
    let mut wrong = tensors();
    wrong.insert("embeddings.LayerNorm.bias".into(), (numbers(&[32], 1) * f64::NAN).unwrap());
    assert!(said(CONFIG, VOCABULARY, &wrong).contains("finite"));
    let whole = folder(CONFIG, VOCABULARY, &tensors());
    let path = whole.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(MiniLm::open(whole.path(), Precision::F32).is_err());
    assert!(MiniLm::open(Path::new("/nowhere"), Precision::F32).is_err());
}

/// Beginnings of vectors that a computation of the published weights in f64 gives. Runs where `MINILM` names their folder.
#[test]
fn the_published_weights_give_the_published_vectors() {
    let Some(folder) = std::env::var_os("MINILM") else { return };
    let whole = MiniLm::open(Path::new(&folder), Precision::F32).unwrap();
    let rounded = MiniLm::open(Path::new(&folder), Precision::Q8).unwrap();
    for (text, expected) in [
        (
            "Waterproof hiking jacket",
            [-0.097621, 0.110713, 0.058150, 0.091603, 0.123180, -0.012401, 0.094559, -0.015814],
        ),
        (
            "Red wool hat, hand-made!",
            [-0.061155, 0.040238, 0.001882, 0.028671, 0.063225, 0.031697, 0.100921, -0.007093],
        ),
        ("a", [-0.036433, 0.034703, -0.045960, 0.034326, -0.080823, 0.032839, 0.116976, -0.023309]),
    ] {
        let vector = whole.embed(text).unwrap();
        assert!(apart(&vector, &expected) < 1e-4, "{text}: {:?}", &vector[..8]);
        let cosine: f32 = rounded.embed(text).unwrap().iter().zip(&vector).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.998, "{text}: {cosine}");
    }
}
