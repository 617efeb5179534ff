//! torchvision's architectures as graphs, and how weights are put into them.

use std::path::Path;

use infoplane_graph::{
    Graph, GraphError, Layer, Misfit, Tensor, TensorData, ValueId, Weights, default_layers, flow,
    layers, layers_by_name, read_torchvision, torchvision_names, torchvision_tensors,
};

type Tensors = Vec<(String, Vec<usize>)>;

/// Weights of these shapes, all zero.
fn zeros(tensors: Tensors) -> Weights {
    let tensors = tensors.into_iter().map(|(name, shape)| {
        let values = vec![0.0; shape.iter().product()];
        let tensor = Tensor::new(shape, TensorData::F32(values.into())).unwrap();
        (name, tensor)
    });
    Weights::from_tensors("weights.pth", tensors)
}

fn build(architecture: &str, n_classes: usize) -> Graph {
    let tensors = torchvision_tensors(architecture, n_classes).unwrap();
    read_torchvision(architecture, &zeros(tensors)).unwrap()
}

fn misfit(architecture: &str, tensors: Tensors) -> (Box<Misfit>, String) {
    match read_torchvision(architecture, &zeros(tensors)) {
        Err(GraphError::WeightsMismatch { path, misfit }) => {
            let error = GraphError::WeightsMismatch {
                path,
                misfit: misfit.clone(),
            };
            (misfit, error.to_string())
        }
        other => panic!("{other:?}"),
    }
}

/// Parameters as torchvision counts them, of 1,000 classes.
const PARAMETERS: [(&str, u64); 64] = [
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("resnet101", 44_549_160),
    ("resnet152", 60_192_808),
    ("resnext50_32x4d", 25_028_904),
    ("wide_resnet50_2", 68_883_240),
    ("vgg11", 132_863_336),
    ("vgg13", 133_047_848),
    ("vgg16", 138_357_544),
    ("vgg19", 143_667_240),
    ("vgg11_bn", 132_868_840),
    ("vgg13_bn", 133_053_736),
    ("vgg16_bn", 138_365_992),
    ("vgg19_bn", 143_678_248),
    ("squeezenet1_0", 1_248_424),
    ("squeezenet1_1", 1_235_496),
    ("mobilenet_v2", 3_504_872),
    ("densenet121", 7_978_856),
    ("densenet161", 28_681_000),
    ("densenet169", 14_149_480),
    ("densenet201", 20_013_928),
    ("googlenet", 6_624_904),
    ("googlenet_untransformed", 6_624_904),
    ("inception_v3", 23_834_568),
    ("inception_v3_untransformed", 23_834_568),
    ("mnasnet0_5", 2_218_512),
    ("mnasnet0_75", 3_170_208),
    ("mnasnet1_0", 4_383_312),
    ("mnasnet1_3", 6_282_256),
    ("shufflenet_v2_x0_5", 1_366_792),
    ("shufflenet_v2_x1_0", 2_278_604),
    ("shufflenet_v2_x1_5", 3_503_624),
    ("shufflenet_v2_x2_0", 7_393_996),
    ("efficientnet_b0", 5_288_548),
    ("efficientnet_b1", 7_794_184),
    ("efficientnet_b2", 9_109_994),
    ("efficientnet_b3", 12_233_232),
    ("efficientnet_b4", 19_341_616),
    ("efficientnet_b5", 30_389_784),
    ("efficientnet_b6", 43_040_704),
    ("efficientnet_b7", 66_347_960),
    ("convnext_tiny", 28_589_128),
    ("convnext_small", 50_223_688),
    ("convnext_base", 88_591_464),
    ("convnext_large", 197_767_336),
    ("regnet_y_400mf", 4_344_144),
    ("regnet_y_800mf", 6_432_512),
    ("regnet_y_1_6gf", 11_202_430),
    ("regnet_y_3_2gf", 19_436_338),
    ("regnet_y_8gf", 39_381_472),
    ("regnet_y_16gf", 83_590_140),
    ("regnet_y_32gf", 145_046_770),
    ("regnet_x_400mf", 5_495_976),
    ("regnet_x_800mf", 7_259_656),
    ("regnet_x_1_6gf", 9_190_136),
    ("regnet_x_3_2gf", 15_296_552),
    ("regnet_x_8gf", 39_572_648),
    ("regnet_x_16gf", 54_278_536),
    ("regnet_x_32gf", 107_811_560),
    ("vit_b_16", 86_567_656),
    ("vit_b_32", 88_224_232),
    ("vit_l_16", 304_326_632),
    ("vit_l_32", 306_535_400),
];

#[test]
fn every_architecture_has_torchvisions_number_of_parameters() {
    let known: Vec<&str> = PARAMETERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(torchvision_names().collect::<Vec<_>>(), known);
    for (name, expected) in PARAMETERS {
        let tensors = torchvision_tensors(name, 1000).unwrap();
        let trained = tensors
            .iter()
            .filter(|(name, _)| !name.contains("running_"));
        let n: u64 = trained
            .map(|(_, shape)| shape.iter().product::<usize>() as u64)
            .sum();
        assert_eq!(n, expected, "{name}");
    }
}

#[test]
fn every_architecture_has_its_shapes_and_default_layers() {
    for name in torchvision_names() {
        let graph = build(name, 10);
        let usual = graph.usual_sample_shape().unwrap();
        let side = match name {
            _ if name.starts_with("inception_v3") => 299,
            "efficientnet_b1" => 240,
            "efficientnet_b2" => 288,
            "efficientnet_b3" => 300,
            "efficientnet_b4" => 380,
            "efficientnet_b5" => 456,
            "efficientnet_b6" => 528,
            "efficientnet_b7" => 600,
            _ => 224,
        };
        assert_eq!(usual, [3, side, side]);
        let other = vec![3, 96, 160];
        if name.starts_with("vit") {
            assert!(graph.specialize(&other, 2).is_err(), "{name}");
        }
        for shape in [usual, other] {
            if graph.check_sample_shape(&shape).is_err() {
                continue;
            }
            let shaped = graph.specialize(&shape, 2).unwrap();
            assert_eq!(shaped.shape(graph.output()), [2, 10], "{name}");
            assert!(shaped.rows_are_independent(), "{name}");
            let chosen = default_layers(&graph, &shaped);
            assert!((6..=64).contains(&chosen.len()), "{name}: {}", chosen.len());
        }
    }
}

#[test]
fn values_are_named_by_module_path_and_found_by_their_other_names() {
    let graph = build("resnet50", 1000);
    let shaped = graph.specialize(&[3, 224, 224], 1).unwrap();
    let names = [
        "conv1",
        "layer1.0.conv1",
        "layer1.0.relu_1",
        "layer1.0",
        "layer4",
        "avgpool",
        "fc",
    ];
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let found = layers_by_name(&graph, &shaped, &names).unwrap();
    let found: Vec<&str> = found.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(found, names);
    let all = layers(&graph, &shaped);
    let block = all.iter().find(|layer| layer.name == "layer1.0").unwrap();
    assert_eq!(
        (block.operator, block.shape.as_slice(), block.cut),
        ("Relu", &[256, 56, 56][..], true)
    );

    let twice = ["layer4".to_string(), "layer4.2".to_string()];
    let error = layers_by_name(&graph, &shaped, &twice).unwrap_err();
    assert!(matches!(error, GraphError::SameLayer { .. }), "{error}");
    let error = layers_by_name(&graph, &shaped, &["layer5".to_string()]).unwrap_err();
    assert!(error.to_string().contains("`layer1`"), "{error}");
}

#[test]
fn default_layers_of_resnet50_are_its_blocks() {
    let graph = build("resnet50", 1000);
    let shaped = graph.specialize(&[3, 224, 224], 1).unwrap();
    let chosen = default_layers(&graph, &shaped);
    let names: Vec<&str> = chosen.iter().map(|layer| layer.name.as_str()).collect();
    for block in [
        "maxpool", "layer1.0", "layer2.3", "layer3.5", "layer4.2", "avgpool", "fc",
    ] {
        assert!(names.contains(&block), "{names:?}");
    }
}

/// Edges as `from → to: fewest–most products`.
fn edges(graph: &Graph, chosen: impl Fn(&Layer) -> bool) -> Vec<String> {
    let shaped = graph.specialize(&[3, 224, 224], 1).unwrap();
    let mut values = layers(graph, &shaped);
    values.retain(chosen);
    let values: Vec<ValueId> = values.iter().map(|layer| layer.value).collect();
    let name = |end: Option<ValueId>| end.map_or("·", |value| graph.value(value).name.as_str());
    flow(graph, &shaped, &values)
        .iter()
        .map(|edge| {
            let products = (edge.fewest_products, edge.most_products);
            format!("{} → {}: {products:?}", name(edge.from), name(edge.to))
        })
        .collect()
}

#[test]
fn edges_between_blocks_tell_which_have_a_skip_connection() {
    let graph = build("resnet50", 10);
    let shaped = graph.specialize(&[3, 224, 224], 1).unwrap();
    let blocks = default_layers(&graph, &shaped);
    let found = edges(&graph, |layer| blocks.contains(layer));
    assert_eq!(found[0], "· → relu: (1, 1)");
    assert_eq!(found.last().unwrap(), "fc → ·: (0, 0)");
    for edge in [
        "relu → maxpool: (0, 0)",
        "maxpool → layer1.0: (1, 3)",
        "layer1.0 → layer1.1: (0, 3)",
        // The block's first activations lie beside its projection.
        "layer3.5 → layer4.0.relu: (1, 1)",
        "layer3.5 → layer4.0: (1, 1)",
        "layer4.0.relu → layer4.0: (2, 2)",
        "avgpool → fc: (1, 1)",
    ] {
        assert!(found.iter().any(|other| other == edge), "{edge}: {found:?}");
    }
}

#[test]
fn edges_go_round_a_branch_and_past_values_that_are_not_chosen() {
    let graph = build("resnet18", 10);
    let chosen = ["layer1.0", "layer1.1.conv1", "layer1.1", "layer3.0"];
    let found = edges(&graph, |layer| chosen.contains(&layer.name.as_str()));
    assert_eq!(
        found,
        [
            "· → layer1.0: (1, 3)",
            "layer1.0 → layer1.1.conv1: (1, 1)",
            "layer1.0 → layer1.1: (0, 0)",
            "layer1.1.conv1 → layer1.1: (1, 1)",
            "layer1.1 → layer3.0: (2, 6)",
            "layer3.0 → ·: (2, 7)",
        ]
    );
}

fn timm(name: &str) -> Tensors {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/timm/{name}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            let name = words.next().unwrap().to_string();
            (name, words.map(|word| word.parse().unwrap()).collect())
        })
        .collect()
}

#[test]
fn weights_with_timms_names_fit() {
    for (architecture, name) in [
        ("vgg11_bn", "vgg11_bn"),
        ("mobilenet_v2", "mobilenetv2_100"),
        ("efficientnet_b0", "efficientnet_b0"),
        ("convnext_tiny", "convnext_tiny"),
        ("regnet_y_400mf", "regnety_004"),
        ("vit_b_32", "vit_base_patch32_224"),
    ] {
        let tensors = timm(name);
        let expected = torchvision_tensors(architecture, 1000).unwrap().len();
        assert_eq!(tensors.len(), expected);
        let graph = read_torchvision(architecture, &zeros(tensors)).unwrap();
        let shape = graph.usual_sample_shape().unwrap();
        assert!(graph.specialize(&shape, 1).is_ok());
    }
}

#[test]
fn densenets_weights_from_before_the_renaming_fit() {
    let mut tensors = torchvision_tensors("densenet121", 1000).unwrap();
    let mut renamed = 0;
    for (name, _) in &mut tensors {
        let before = name.clone();
        if name.contains("denselayer") {
            for (now, then) in [
                ("norm1", "norm.1"),
                ("norm2", "norm.2"),
                ("conv1", "conv.1"),
                ("conv2", "conv.2"),
            ] {
                *name = name.replace(now, then);
            }
        }
        renamed += usize::from(*name != before);
    }
    assert_eq!(renamed, 58 * 10);
    assert!(read_torchvision("densenet121", &zeros(tensors)).is_ok());
}

#[test]
fn heads_for_the_training_may_be_there_but_nothing_else_beyond_the_network() {
    for (architecture, heads) in [
        ("googlenet", ["aux1.conv.conv.weight", "aux2.fc2.bias"]),
        (
            "inception_v3",
            ["AuxLogits.conv0.bn.bias", "AuxLogits.fc.weight"],
        ),
    ] {
        let mut tensors = torchvision_tensors(architecture, 1000).unwrap();
        tensors.extend(heads.map(|name| (name.to_string(), vec![2])));
        assert!(read_torchvision(architecture, &zeros(tensors.clone())).is_ok());
        tensors.push(("auxiliary.weight".to_string(), vec![2]));
        let (misfit, _) = misfit(architecture, tensors);
        assert_eq!(misfit.extra, ["auxiliary.weight"]);
    }
}

#[test]
fn the_scale_of_the_input_is_changed_unless_the_name_says_otherwise() {
    for architecture in ["googlenet", "inception_v3"] {
        let names = |architecture: &str| -> Vec<String> {
            let graph = build(architecture, 5);
            let values = graph.values().iter();
            values.map(|value| value.name.clone()).collect()
        };
        let transforms = |names: Vec<String>| names.contains(&"transform_input".to_string());
        assert!(transforms(names(architecture)));
        assert!(!transforms(names(&format!("{architecture}_untransformed"))));
        // It has learned nothing, so that no control shuffles it.
        let graph = build(architecture, 5);
        let nodes = graph.parametrised_nodes();
        let mut learned = nodes.iter().map(|node| &graph.node(*node).name);
        assert!(!learned.any(|name| name.starts_with("transform_input")));
    }
}

#[test]
fn features_of_tokens_are_channels_on_the_last_axis() {
    let graph = build("vit_b_32", 10);
    let shaped = graph.specialize(&[3, 224, 224], 1).unwrap();
    let all = layers(&graph, &shaped);
    let layer = |name: &str| all.iter().find(|layer| layer.name == name).unwrap();
    for (name, shape, channels, last) in [
        ("conv_proj", vec![768, 7, 7], 768, false),
        ("permute", vec![49, 768], 768, true),
        ("cat", vec![50, 768], 768, true),
        (
            "encoder.layers.encoder_layer_0.ln_1",
            vec![50, 768],
            768,
            true,
        ),
        (
            "encoder.layers.encoder_layer_3.mlp.1",
            vec![50, 3072],
            3072,
            true,
        ),
        // By head.
        (
            "encoder.layers.encoder_layer_3.self_attention.weights",
            vec![12, 50, 50],
            12,
            false,
        ),
        (
            "encoder.layers.encoder_layer_3.self_attention",
            vec![50, 768],
            768,
            true,
        ),
        ("encoder", vec![50, 768], 768, true),
        ("getitem", vec![768], 768, false),
        ("heads.head", vec![10], 10, false),
    ] {
        let found = layer(name);
        assert_eq!(found.shape, shape, "{name}");
        assert_eq!(
            (found.n_channels(), found.channels_last),
            (channels, last),
            "{name}"
        );
    }
    let chosen = default_layers(&graph, &shaped);
    let has = |name: &str| chosen.iter().any(|layer| layer.name == name);
    assert!(has("encoder.layers.encoder_layer_0") && has("encoder.layers.encoder_layer_11"));

    let graph = build("convnext_tiny", 10);
    let shaped = graph.specialize(&[3, 64, 64], 1).unwrap();
    let all = layers(&graph, &shaped);
    let layer = |name: &str| all.iter().find(|layer| layer.name == name).unwrap();
    assert!(layer("features.1.0.block.3").channels_last);
    assert_eq!(layer("features.1.0.block.3").n_channels(), 384);
    assert!(!layer("features.1.0.block.6").channels_last);
    assert!(!layer("features.2").channels_last);
}

#[test]
fn a_path_at_an_inner_value_leaves_what_is_before_it_out() {
    let graph = build("resnet18", 10);
    let at = graph.with_path_at("layer2.0.conv1").unwrap();
    let shaped = at.specialize(&[3, 64, 64], 1).unwrap();
    let all = layers(&at, &shaped);
    assert_eq!(
        (all[0].name.as_str(), all[0].depth, all[0].cut),
        ("layer2.0.conv1", 0, true)
    );
    let found = |name: &str| all.iter().find(|layer| layer.name == name);
    // The shortcut beside it keeps the sample's content.
    assert!(found("layer2.0.downsample.1").is_none() && found("layer1.1").is_none());
    // So that the branch carries the whole difference.
    assert!(found("layer2.0.bn2").unwrap().cut);
    assert!(
        !layers(&graph, &graph.specialize(&[3, 64, 64], 1).unwrap())
            .iter()
            .find(|layer| layer.name == "layer2.0.bn2")
            .unwrap()
            .cut
    );
    let chosen = default_layers(&at, &shaped);
    assert_eq!(chosen[0].name, "layer2.0.conv1");
    let edges = flow(
        &at,
        &shaped,
        &chosen.iter().map(|layer| layer.value).collect::<Vec<_>>(),
    );
    assert_eq!((edges[0].from, edges[0].to), (None, Some(chosen[0].value)));

    let error = layers_by_name(&at, &shaped, &["layer1.0.add".to_string()]).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("`layer1.0.add`") && said.contains("`layer2.0.conv1`"),
        "{said}"
    );
    for (name, part) in [
        ("fc", "output"),
        ("layer2.0.conv1.weight", "input"),
        ("layer9", "no layer"),
    ] {
        let said = graph.with_path_at(name).unwrap_err().to_string();
        assert!(said.contains(part) && said.contains(name), "{said}");
    }
    // By another name, and at the input itself.
    assert!(graph.with_path_at("layer1.0.relu_1").is_ok());
    assert!(!graph.with_path_at("input").unwrap().has_inner_path());
}

#[test]
fn counters_of_the_training_are_left_out() {
    let mut tensors = torchvision_tensors("resnet18", 5).unwrap();
    tensors.push(("bn1.num_batches_tracked".to_string(), vec![]));
    assert!(read_torchvision("resnet18", &zeros(tensors)).is_ok());
}

#[test]
fn everything_that_does_not_fit_is_listed_in_one_error_with_the_nearest_names() {
    let mut tensors = torchvision_tensors("resnet18", 1000).unwrap();
    for (name, shape) in &mut tensors {
        match name.as_str() {
            "layer1.0.conv1.weight" => *name = "layer1.0.conv_1.weight".to_string(),
            "layer2.0.bn1.bias" => *shape = vec![64],
            _ => {}
        }
    }
    tensors.push(("head.weight".to_string(), vec![3]));
    let (misfit, said) = misfit("resnet18", tensors);
    assert_eq!(misfit.missing.len(), 1);
    assert_eq!(misfit.missing[0].nearest, ["layer1.0.conv_1.weight"]);
    assert_eq!(misfit.extra, ["head.weight", "layer1.0.conv_1.weight"]);
    assert_eq!(misfit.misshapen[0].name, "layer2.0.bn1.bias");
    for part in [
        "weights.pth",
        "resnet18",
        "1 missing, 2 left over, 1 of another shape",
        "`layer1.0.conv1.weight` [64, 64, 3, 3] (nearest: `layer1.0.conv_1.weight`)",
        "`layer2.0.bn1.bias` is [64], not [128]",
        "left over: `head.weight`",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn weights_of_another_architecture_are_recognised() {
    let tensors = torchvision_tensors("resnet34", 7).unwrap();
    let (misfit, said) = misfit("resnet50", tensors);
    assert_eq!(misfit.fits, Some("resnet34"));
    assert!(said.contains("--model resnet34"), "{said}");
    assert!(said.lines().count() < 50, "{said}");
}

#[test]
fn an_unknown_architecture_gets_the_nearest_names_and_the_families() {
    let error = read_torchvision("resnet-50", &zeros(Vec::new())).unwrap_err();
    let said = error.to_string();
    for part in [
        "`resnet-50`",
        "nearest: `resnet50`",
        "VGG (vgg11",
        "squeezenet1_1",
        ".onnx",
    ] {
        assert!(said.contains(part), "{said}");
    }
}
