using System.Text.Json.Nodes;
using Understudy.Models;

namespace Understudy.Tests.Models;

/// <summary>What a configuration says after it was read and written again.</summary>
public sealed class ConfigRoundTripTests
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "models");

    public static TheoryData<string> Models => [.. Directory.GetDirectories(Fixtures).Where(folder => File.Exists(Path.Combine(folder, "config.json")) && File.Exists(Path.Combine(folder, "expected.json"))).Select(folder => Path.GetFileName(folder)!)];

    [Theory]
    [MemberData(nameof(Models))]
    public void No_key_of_the_file_is_lost_or_changed(string model)
    {
        var stored = ConfigJson.Read(Path.Combine(Fixtures, model)).Root;
        using var loaded = AutoModel.Load(Path.Combine(Fixtures, model));
        var written = JsonNode.Parse(loaded.ToConfigJson().ToJsonString())!.AsObject();
        // Older names of the rotary base are written beside the newer ones; a section gains keys, it loses none.
        foreach (var (key, value) in stored.Where(pair => pair.Key is not ("rope_parameters" or "rope_scaling")))
        {
            Assert.True(written.ContainsKey(key), key);
            if (value is null) continue;
            Assert.True(JsonNode.DeepEquals(value, written[key]), $"{key}: {value.ToJsonString()} became {written[key]?.ToJsonString()}");
        }
    }

    [Fact]
    public void Real_numbers_keep_their_point_and_lists_of_tokens_stay()
    {
        using var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, "llama", "config.json")))!.AsObject();
        config["eos_token_id"] = new JsonArray(1, 7);
        config["something_else"] = "kept";
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        File.Copy(Path.Combine(Fixtures, "llama", "model.safetensors"), folder["model.safetensors"]);
        using var model = AutoModel.LoadCausalLanguageModel(folder.FullName);
        var written = model.ToConfigJson();
        Assert.Equal("[1,7]", written["eos_token_id"]!.ToJsonString());
        Assert.Equal("kept", written["something_else"]!.GetValue<string>());
        Assert.Equal("0.0", written["attention_dropout"]!.ToJsonString());
        Assert.Equal("10000.0", written["rope_theta"]!.ToJsonString());
    }

    [Theory]
    [InlineData("bert-classifier")]
    [InlineData("llama")]
    public void A_number_of_classes_that_the_file_gives_follows_their_new_names(string model)
    {
        using var folder = new TemporaryFolder();
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures, model, "config.json")))!.AsObject();
        config["num_labels"] = 7;
        config.Remove("id2label");
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        File.Copy(Path.Combine(Fixtures, model, "model.safetensors"), folder["model.safetensors"]);
        using var classifier = AutoModel.LoadForSequenceClassification(folder.FullName, ["no", "yes"], 1, out _);
        var written = classifier.ToConfigJson();
        Assert.Equal(2, written["num_labels"]!.GetValue<int>());
        Assert.Equal("yes", written["id2label"]!["1"]!.GetValue<string>());
    }

    [Fact]
    public void A_new_configuration_says_everything_that_its_family_reads()
    {
        var config = new LlamaConfig
        {
            ModelType = "qwen3",
            Architecture = "Qwen3ForCausalLM",
            VocabSize = 10,
            HiddenSize = 8,
            NumHiddenLayers = 2,
            NumAttentionHeads = 2,
            NumKeyValueHeads = 1,
            HeadDim = 4,
            IntermediateSize = 12,
            Rope = new RopeParameters { Theta = 100 },
            QueryKeyValueBias = true,
            AttentionOutputBias = true,
            QueryKeyNorm = true,
            SlidingWindow = 3,
            SlidingLayers = [false, true],
        };
        using var folder = new TemporaryFolder();
        using (var model = new LlamaForCausalLM(config, new RandomParameters(1)))
        {
            PretrainedFolder.Save(model, folder.FullName);
        }

        using var loaded = Assert.IsType<LlamaForCausalLM>(AutoModel.Load(folder.FullName));
        Assert.Equal(config.SlidingLayers, loaded.Config.SlidingLayers);
        Assert.Equal((3, true, true, true, 4), (loaded.Config.SlidingWindow, loaded.Config.QueryKeyValueBias, loaded.Config.AttentionOutputBias, loaded.Config.QueryKeyNorm, loaded.Config.HeadDim));
        Assert.Contains(loaded.Parameters, parameter => parameter.Name == "model.layers.1.self_attn.o_proj.bias");
    }
}
