using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

public sealed class PretrainedFolderTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    [Theory]
    [InlineData("bert")]
    [InlineData("roberta")]
    public void A_saved_classifier_loads_with_equal_weights(string type)
    {
        using var folder = new TemporaryFolder();
        using var model = TinyClassifier.New(type);
        PretrainedFolder.Save(model, folder.FullName);
        using var loaded = AutoModel.LoadSequenceClassifier(folder.FullName);
        Assert.Equal(model.Labels, loaded.Labels);
        Assert.Equal(model.Parameters.Select(parameter => parameter.Name), loaded.Parameters.Select(parameter => parameter.Name));
        Assert.All(model.Parameters.Zip(loaded.Parameters), pair => Assert.Equal(pair.First.Value.ToArray<float>(), pair.Second.Value.ToArray<float>()));
    }

    [Fact]
    public void A_causal_model_is_saved_with_the_names_it_was_loaded_by()
    {
        using var folder = new TemporaryFolder();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox-old-layout"));
        PretrainedFolder.Save(model, folder.FullName);
        using var current = SafeTensorsFile.Open(Path.Combine(Fixtures, "gpt-neox", "model.safetensors"));
        using var saved = SafeTensorsFile.Open(folder["model.safetensors"]);
        Assert.Equal(current.Entries.Select(entry => entry.Name).Order(), saved.Entries.Select(entry => entry.Name).Order());
        Assert.All(saved.Entries, entry => Assert.True(current.TryGet(entry.Name, out var other) && current.BytesOf(other).SequenceEqual(saved.BytesOf(entry)), entry.Name));
    }

    [Theory]
    [InlineData("\"hidden_size\": 8, \"hidden_size\": 16", "config.json is not valid JSON: ")]
    [InlineData("\"num_hidden_layers\": 2000000000", "config.json: 'num_hidden_layers' is 2000000000; expected an integer of at most 10000.")]
    [InlineData("\"num_labels\": 2000000000", "config.json: 'num_labels' is 2000000000; expected an integer of at most 1000000.")]
    [InlineData("\"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"a\"}", "config.json: 'id2label' has the name 'a' 2 time(s); expected a name of its own for every class.")]
    [InlineData("\"id2label\": {\"0\": \"a\", \"1\": \"\"}", "config.json: 'id2label' has the name '' 1 time(s); expected a name of its own for every class.")]
    public void A_configuration_that_makes_no_classifier_is_refused_before_weights_are_read(string keys, string message)
    {
        using var folder = new TemporaryFolder();
        string[] sizes = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"];
        var others = sizes.Where(key => !keys.Contains($"\"{key}\"", StringComparison.Ordinal)).Select(key => $", \"{key}\": 8");
        File.WriteAllText(folder["config.json"], $"{{\"model_type\": \"bert\"{string.Concat(others)}, {keys}}}");
        Assert.StartsWith(Path.Combine(folder.FullName, message), Assert.Throws<InvalidDataException>(() => AutoModel.LoadSequenceClassifier(folder.FullName)).Message);
    }

    [Fact]
    public void Everything_that_does_not_fit_is_in_one_error()
    {
        using var folder = new TemporaryFolder();
        using (var model = TinyClassifier.New())
        {
            var parameters = model.Parameters.Where(parameter => parameter.Name != "classifier.out_proj.bias").ToList();
            WeightFile.Write(folder["model.safetensors"], [.. parameters, new NamedParameter("extra.weight", torch.zeros([2]))]);
            var config = model.ToConfigJson();
            config["intermediate_size"] = 8;
            File.WriteAllText(folder["config.json"], config.ToJsonString());
        }

        var error = Assert.Throws<InvalidDataException>(() => AutoModel.LoadSequenceClassifier(folder.FullName));
        Assert.Equal(
            $"The weights in {folder.FullName} do not fit the model that its config.json describes. Missing (1): classifier.out_proj.bias [3]. Unexpected (1): extra.weight. " +
            "Wrong shape (6): roberta.encoder.layer.0.intermediate.dense.weight: expected [8, 16], found [32, 16]; roberta.encoder.layer.0.intermediate.dense.bias: expected [8], found [32]; " +
            "roberta.encoder.layer.0.output.dense.weight: expected [16, 8], found [16, 32]; roberta.encoder.layer.1.intermediate.dense.weight: expected [8, 16], found [32, 16]; " +
            "roberta.encoder.layer.1.intermediate.dense.bias: expected [8], found [32]; roberta.encoder.layer.1.output.dense.weight: expected [16, 8], found [16, 32]. " +
            "Is this the checkpoint of another architecture, or an interrupted save?",
            error.Message);
    }

    [Fact]
    public void A_classifier_from_a_masked_language_model_says_which_weights_are_new()
    {
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(Fixtures, "roberta-mlm"), ["a", "b"], 1, out var fresh);
        Assert.Equal(["classifier.dense.weight", "classifier.dense.bias", "classifier.out_proj.weight", "classifier.out_proj.bias"], fresh);
        Assert.Equal(["a", "b"], model.Labels);
    }

    [Fact]
    public void A_classifier_for_other_labels_gets_a_new_head()
    {
        using var model = AutoModel.LoadForSequenceClassification(Path.Combine(Fixtures, "bert-classifier"), ["a", "b"], 1, out var fresh);
        Assert.Equal(["classifier.weight", "classifier.bias"], fresh);
    }

    [Fact]
    public void New_weights_depend_on_the_seed_alone()
    {
        using var first = TinyClassifier.New(seed: 5);
        using var second = TinyClassifier.New(seed: 5);
        using var other = TinyClassifier.New(seed: 6);
        Assert.All(first.Parameters.Zip(second.Parameters), pair => Assert.Equal(pair.First.Value.ToArray<float>(), pair.Second.Value.ToArray<float>()));
        Assert.NotEqual(first.Parameters[0].Value.ToArray<float>(), other.Parameters[0].Value.ToArray<float>());
    }

    [Theory]
    [InlineData("hidden_act", "laplace", "'hidden_act' is 'laplace', which is not supported. Supported: gelu, gelu_10, gelu_accurate, gelu_fast, gelu_new, gelu_python, gelu_python_tanh, gelu_pytorch_tanh, leaky_relu, linear, mish, quick_gelu, relu, relu2, relu6, sigmoid, silu, swish, tanh.")]
    [InlineData("num_attention_heads", 5, "'hidden_size' (48) is not a multiple of 'num_attention_heads' (5).")]
    [InlineData("vocab_size", "many", "'vocab_size' is \"many\"; expected an integer.")]
    [InlineData("vocab_size", -1, "'vocab_size' is -1; expected an integer of at least 1.")]
    [InlineData("model_type", "gpt_j", "'model_type' is 'gpt_j', which is not supported. Supported: bart, bert, gpt2, gpt_neox, llama, mistral, qwen2, qwen3, roberta, t5.")]
    public void A_bad_configuration_is_refused_with_its_key(string key, object value, string message)
    {
        using var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, "gpt-neox", "config.json")))!.AsObject();
        config[key] = JsonValue.Create(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        File.Copy(Path.Combine(Fixtures, "gpt-neox", "model.safetensors"), folder["model.safetensors"]);
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.LoadCausalLanguageModel(folder.FullName));
        Assert.EndsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("config.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama", "rope_parameters", "{\"rope_type\": \"longrope\"}", "'rope_type' is 'longrope', which is not supported. Supported: default, linear, dynamic, yarn, llama3.")]
    [InlineData("llama3-rope-old-layout", "rope_scaling", "{\"type\": \"mrope\"}", "'rope_type' is 'mrope', which is not supported. Supported: default, linear, dynamic, yarn, llama3.")]
    [InlineData("qwen2", "hidden_act", "\"laplace\"", "'hidden_act' is 'laplace', which is not supported. Supported: gelu, gelu_10, gelu_accurate, gelu_fast, gelu_new, gelu_python, gelu_python_tanh, gelu_pytorch_tanh, leaky_relu, linear, mish, quick_gelu, relu, relu2, relu6, sigmoid, silu, swish, tanh.")]
    [InlineData("qwen3", "num_key_value_heads", "3", "'num_attention_heads' (4) is not a multiple of 'num_key_value_heads' (3).")]
    [InlineData("mistral-sliding-window", "sliding_window", "0", "'sliding_window' is 0; expected an integer of at least 1.")]
    public void What_is_not_supported_is_refused_before_any_weight_is_read(string model, string key, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, model, "config.json")))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.Load(folder.FullName));
        Assert.EndsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_is_too_long_says_so()
    {
        using var model = TinyClassifier.New();
        using var scope = torch.NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => model.Forward(torch.full([1, 33], 5, ScalarType.Int64)));
        Assert.StartsWith("A row of 33 tokens was given; the model takes at most 32. Shorten the text or set max_length.", error.Message, StringComparison.Ordinal);
    }
}
