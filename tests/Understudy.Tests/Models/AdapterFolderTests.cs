using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Tests.Models;

/// <summary>PEFT folders as others write them, and as nobody should.</summary>
public sealed class AdapterFolderTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    [Theory]
    [InlineData("lora_A.weight", "lora_A.default.weight")]
    [InlineData("lora_B.weight", "lora_B.my_adapter.weight")]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.weight")]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.default")]
    [InlineData("lora_magnitude_vector", "lora_magnitude_vector.default.weight")]
    [InlineData("base_model.model.", "")]
    public void Other_spellings_of_a_name_are_read(string name, string spelling)
    {
        using var folder = Copy("gpt-neox-dora");
        var expected = Logits(folder.FullName);
        Rewrite(folder, tensors => [.. tensors.Select(tensor => (tensor.Name.Replace(name, spelling, StringComparison.Ordinal), tensor.Shape, tensor.Bytes))]);
        Assert.Equal(expected, Logits(folder.FullName));
    }

    [Theory]
    [InlineData("bias")]
    [InlineData("base_layer.bias")]
    public void Biases_are_read_and_saved_where_peft_looks_for_them(string spelling)
    {
        using var folder = Copy("gpt-neox-lora");
        using var again = new TemporaryFolder();
        Change(folder, json => json["bias"] = "lora_only");
        var plain = Logits(folder.FullName);
        var bias = new float[96];
        bias[3] = 2.5f;
        Rewrite(folder, tensors => [.. tensors, ($"base_model.model.gpt_neox.layers.1.mlp.dense_h_to_4h.{spelling}", [96], System.Runtime.InteropServices.MemoryMarshal.AsBytes(bias.AsSpan()).ToArray())]);
        var found = Logits(folder.FullName);
        Assert.NotEqual(plain, found);
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"));
        using var lora = new LoraModel(model);
        var adapter = lora.Load(folder.FullName);
        AdapterFolder.Save(adapter, again.FullName, model);
        using (var saved = Checkpoint.Open(again.FullName, Checkpoint.AdapterWeightsName))
        {
            Assert.Equal(24, saved.Names.Count);
            Assert.True(saved.TryGet("base_model.model.gpt_neox.layers.1.mlp.dense_h_to_4h.base_layer.bias", out var tensor));
            Assert.Equal(bias, torch.from_bytes(tensor.File.BytesOf(tensor.Entry), [96], ScalarType.Float32).ToArray<float>());
        }

        Assert.Equal(found, Logits(again.FullName));
        lora.SetActive(null);
        Assert.NotEqual(found, LogitsOf(model));
    }

    [Fact]
    public void A_configuration_is_written_back_with_what_it_had()
    {
        using var folder = Copy("gpt-neox-dora");
        using var again = new TemporaryFolder();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"));
        using var lora = new LoraModel(model);
        AdapterFolder.Save(lora.Load(folder.FullName), again.FullName, model);
        Assert.True(JsonNode.DeepEquals(Json(folder.FullName), Json(again.FullName)), Json(again.FullName).ToJsonString());
    }

    [Fact]
    public void A_new_configuration_names_the_layers_that_all_linear_chose()
    {
        using var folder = new TemporaryFolder();
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt2-old-layout"));
        using var lora = new LoraModel(model);
        AdapterFolder.Save(lora.Add(new LoraConfig { TargetPattern = LoraConfig.AllLinear, LoraAlpha = 16.5, TaskType = "CAUSAL_LM", BaseModelNameOrPath = "gpt2" }, 1), folder.FullName, model);
        Assert.Equal(
            """{"alpha_pattern":{},"auto_mapping":null,"base_model_name_or_path":"gpt2","bias":"none","exclude_modules":null,"fan_in_fan_out":true,"inference_mode":true,"init_lora_weights":true,"layers_pattern":null,"layers_to_transform":null,"lora_alpha":16.5,"lora_dropout":0,"modules_to_save":null,"peft_type":"LORA","r":8,"rank_pattern":{},"revision":null,"target_modules":["c_attn","c_fc","c_proj"],"task_type":"CAUSAL_LM","use_dora":false,"use_rslora":false}""",
            Json(folder.FullName).ToJsonString());
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"", "'peft_type' is 'IA3', which is not supported. Supported: LORA.")]
    [InlineData("bias", "\"all\"", "'bias' is 'all', which is not supported. Supported: none, lora_only.")]
    [InlineData("init_lora_weights", "\"pissa\"", "'init_lora_weights' is 'pissa', which is not supported. Supported: true, false, gaussian.")]
    [InlineData("use_qalora", "true", "'use_qalora' is true, which is not supported. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.")]
    [InlineData("layer_replication", "[[0,1]]", "'layer_replication' is [[0,1]], which is not supported. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.")]
    [InlineData("alora_invocation_tokens", "[1]", "'alora_invocation_tokens' is [1], which is not supported. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.")]
    [InlineData("lora_bias", "true", "'lora_bias' is true, which is not supported. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.")]
    [InlineData("use_tomorrow", "true", "'use_tomorrow' is true, which is not supported, since this key is not known here. Expected it to be off: LoRA, rsLoRA and DoRA on linear layers are supported.")]
    [InlineData("r", "0", "'r' is 0; expected an integer of at least 1.")]
    [InlineData("r", "2000000000", "'r' is 2000000000; expected an integer of at most 65536.")]
    [InlineData("lora_dropout", "1.5", "'lora_dropout' is 1.5; expected a probability from 0 to below 1.")]
    [InlineData("target_modules", "[]", "'target_modules' is empty; expected names of layers.")]
    [InlineData("rank_pattern", "{\"dense\":-1}", "'rank_pattern': 'dense' is -1; expected an integer of at least 1.")]
    public void What_is_not_supported_is_refused_by_name(string key, string value, string message)
    {
        using var folder = Copy("gpt-neox-lora");
        Change(folder, json => json[key] = JsonNode.Parse(value));
        var error = Assert.Throws<InvalidDataException>(() => AdapterFolder.ReadConfig(folder.FullName)).Message;
        Assert.Equal(message, error.Replace(folder["adapter_config.json"] + ": ", "", StringComparison.Ordinal).Replace(folder["adapter_config.json"] + ", ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("use_tomorrow", "false")]
    [InlineData("tomorrow_size", "16")]
    [InlineData("loftq_config", "null")]
    public void What_is_off_is_passed_over(string key, string value)
    {
        using var folder = Copy("gpt-neox-lora");
        Change(folder, json => json[key] = JsonNode.Parse(value));
        Assert.Equal(4, AdapterFolder.ReadConfig(folder.FullName).R);
    }

    [Fact]
    public void An_adapter_of_another_size_names_the_first_tensor_and_both_shapes()
    {
        using var folder = Copy("gpt-neox-lora");
        Rewrite(folder, tensors => [.. tensors.Select(tensor => tensor.Name.Contains("layers.1", StringComparison.Ordinal) ? (tensor.Name, [.. tensor.Shape.Reverse()], tensor.Bytes) : tensor)]);
        var error = Assert.Throws<InvalidDataException>(() => Logits(folder.FullName));
        Assert.Equal($"{folder["adapter_model.safetensors"]} does not fit its base: tensor 'base_model.model.gpt_neox.layers.1.attention.query_key_value.lora_A.weight' has the shape [48, 4], and the base's layer 'gpt_neox.layers.1.attention.query_key_value' (48 in, 144 out) needs [4, 48]. Load it on the base that it was trained on ('g/public/gpt-neox').", error.Message);
    }

    [Fact]
    public void An_adapter_of_another_family_names_its_first_tensor_and_the_bases_layers()
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"));
        using var lora = new LoraModel(model);
        var folder = Path.Combine(Fixtures, "llama-lora");
        var error = Assert.Throws<InvalidDataException>(() => lora.Load(folder));
        Assert.Equal($"{Path.Combine(folder, "adapter_model.safetensors")} does not fit its base: tensor 'base_model.model.model.layers.0.mlp.down_proj.lora_A.weight' [4, 80] belongs to no layer that adapter_config.json names and the base has. The base's first layer is 'gpt_neox.layers.0.attention.query_key_value' [144, 48], and its layers are called query_key_value, dense, dense_h_to_4h, dense_4h_to_h.", error.Message);
        Assert.Empty(lora.Adapters);
    }

    [Fact]
    public void Missing_and_extra_tensors_are_named()
    {
        using var folder = Copy("gpt-neox-lora");
        Rewrite(folder, tensors => [.. tensors.Where(tensor => !tensor.Name.EndsWith("layers.0.attention.dense.lora_B.weight", StringComparison.Ordinal))]);
        Assert.Contains("tensor 'base_model.model.gpt_neox.layers.0.attention.dense.lora_B.weight' [48, 4] is missing for the base's layer", Assert.Throws<InvalidDataException>(() => Logits(folder.FullName)).Message, StringComparison.Ordinal);
        using var other = Copy("gpt-neox-lora");
        Rewrite(other, tensors => [.. tensors, ("base_model.model.gpt_neox.embed_in.lora_embedding_A", [4, 120], new byte[4 * 4 * 120])]);
        Assert.Contains("tensor 'base_model.model.gpt_neox.embed_in.lora_embedding_A' [4, 120] belongs to no layer", Assert.Throws<InvalidDataException>(() => Logits(other.FullName)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_is_no_model()
    {
        var folder = Path.Combine(Fixtures, "gpt-neox-lora");
        Assert.Equal($"{folder} is not a model folder but that of an adapter, which needs its base: it has adapter_config.json and no config.json. 'understudy merge {folder} --output FOLDER' writes a whole model.", Assert.Throws<InvalidDataException>(() => AutoModel.Load(folder)).Message);
    }

    [Fact]
    public void A_pickled_adapter_is_refused()
    {
        using var folder = Copy("gpt-neox-lora");
        File.Delete(folder["adapter_model.safetensors"]);
        File.WriteAllBytes(folder["adapter_model.bin"], [80, 75, 3, 4]);
        Assert.Contains("pickled", Assert.ThrowsAny<Exception>(() => Logits(folder.FullName)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_base_is_found_beside_the_adapter_and_named_when_it_is_not()
    {
        Assert.Equal(Path.Combine(Fixtures, "gpt-neox"), AdapterFolder.BaseOf(Path.Combine(Fixtures, "gpt-neox-lora")));
        using var folder = Copy("gpt-neox-lora");
        Assert.StartsWith($"{folder["adapter_config.json"]}: the base model 'g/public/gpt-neox' is not there ('base_model_name_or_path').", Assert.Throws<InvalidDataException>(() => AdapterFolder.BaseOf(folder.FullName)).Message, StringComparison.Ordinal);
        // A whole path is the same seen from either side.
        var config = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        config["base_model_name_or_path"] = folder["gone"];
        File.WriteAllText(folder["adapter_config.json"], config.ToJsonString());
        var error = Assert.Throws<InvalidDataException>(() => AdapterFolder.BaseOf(folder.FullName)).Message;
        Assert.Contains($"Looked for config.json in {folder["gone"]}, {Path.Combine(Path.GetDirectoryName(folder.FullName)!, "gone")}. Put the base there", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new[] { "dense" }, null, null, null, null, 2)]
    [InlineData(new[] { "query_key_value", "gpt_neox.layers.1.attention.dense" }, null, null, null, null, 3)]
    [InlineData(null, "all-linear", null, null, null, 8)]
    [InlineData(null, "ALL-LINEAR", new[] { "mlp.dense_h_to_4h" }, null, null, 6)]
    [InlineData(null, @".*\.(?P<block>1)\.attention\.(query_key_value|dense)", null, null, null, 2)]
    [InlineData(null, @"attention\.dense", null, null, null, 0)]
    [InlineData(null, ".*dense.*", null, ".*4h.*", null, 2)]
    [InlineData(new[] { "dense", "embed_out" }, null, null, null, new[] { 1 }, 2)]
    [InlineData(null, null, null, null, null, 2)]
    public void Layers_are_chosen_by_pefts_rules(string[]? names, string? pattern, string[]? excluded, string? excludePattern, int[]? layers, int count)
    {
        using var model = Understudy.Tests.Generation.TinyModel.New();
        var config = new LoraConfig { TargetModules = names, TargetPattern = pattern, ExcludeModules = excluded, ExcludePattern = excludePattern, LayersToTransform = layers };
        Assert.Equal(count, LoraTargets.Of(config, model).Adapted.Count);
    }

    [Fact]
    public void Ranks_and_alphas_follow_their_patterns()
    {
        var config = new LoraConfig
        {
            R = 4,
            LoraAlpha = 8,
            UseRslora = true,
            RankPattern = new Dictionary<string, int> { ["^model.layers.0.q_proj"] = 16, ["mlp.*"] = 2, ["proj"] = 99 },
            AlphaPattern = new Dictionary<string, double> { ["layers.1.q_proj"] = 3 },
        };
        Assert.Equal((16, 8 / 4.0), LoraTargets.Scaling(config, "model.layers.0.q_proj"));
        Assert.Equal((4, 3 / 2.0), LoraTargets.Scaling(config, "model.layers.1.q_proj"));
        Assert.Equal((2, 8 / Math.Sqrt(2)), LoraTargets.Scaling(config, "model.layers.1.mlp.up_proj"));
        Assert.Equal((4, 2 / 2.0), LoraTargets.Scaling(config with { UseRslora = false, LoraAlpha = 4 }, "x"));
    }

    [Theory]
    [InlineData("(", "'target_modules' is no list of names and no regular expression that can be read: ")]
    [InlineData("(a+)+$|.*(.*)*(.*)*(.*)*x!", "'target_modules' has an expression that takes too long to match ")]
    public void A_hostile_pattern_ends(string pattern, string message)
    {
        using var model = Understudy.Tests.Generation.TinyModel.New();
        Assert.StartsWith(message, Assert.Throws<InvalidDataException>(() => LoraTargets.Of(new LoraConfig { TargetPattern = pattern }, model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_name_says_what_the_layers_are_called()
    {
        using var model = Understudy.Tests.Generation.TinyModel.New();
        using var lora = new LoraModel(model);
        Assert.Equal("'target_modules' names 'query_key_valu', which no linear layer of the model is called. Did you mean 'query_key_value'? Its layers are called query_key_value, dense, dense_h_to_4h, dense_4h_to_h.", Assert.Throws<InvalidDataException>(() => lora.Add(new LoraConfig { TargetModules = ["dense", "query_key_valu"] }, 1)).Message);
    }

    private static float[] Logits(string folder)
    {
        using var model = AutoModel.LoadCausalLanguageModel(Path.Combine(Fixtures, "gpt-neox"));
        using var lora = new LoraModel(model);
        lora.Load(folder);
        return LogitsOf(model);
    }

    private static float[] LogitsOf(ICausalLanguageModel model)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        return model.Logits(model.Hidden(torch.tensor([5L, 9, 2, 40, 7, 11], 2, 3))).ToArray<float>();
    }

    private static JsonObject Json(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "adapter_config.json")))!.AsObject();

    private static TemporaryFolder Copy(string name)
    {
        var folder = new TemporaryFolder();
        foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" }) File.Copy(Path.Combine(Fixtures, name, file), folder[file]);
        return folder;
    }

    private static void Change(TemporaryFolder folder, Action<JsonObject> change)
    {
        var json = Json(folder.FullName);
        change(json);
        File.WriteAllText(folder["adapter_config.json"], json.ToJsonString());
    }

    private static void Rewrite(TemporaryFolder folder, Func<List<(string Name, long[] Shape, byte[] Bytes)>, List<(string Name, long[] Shape, byte[] Bytes)>> change)
    {
        List<(string, long[], byte[])> tensors;
        using (var file = SafeTensorsFile.Open(folder["adapter_model.safetensors"]))
        {
            tensors = [.. file.Entries.Select(entry => (entry.Name, entry.Shape, file.BytesOf(entry).ToArray()))];
        }

        SafeTensorsWriter.Write(folder["adapter_model.safetensors"], change(tensors).Select(tensor => SafeTensorsSource.FromBytes(tensor.Name, SafeTensorsDType.F32, tensor.Shape, tensor.Bytes)));
    }
}
