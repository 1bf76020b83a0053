using Understudy.Cli.Verbs;
using Understudy.Models;
using Understudy.Recipes;

namespace Understudy.Tests.Recipes;

public sealed class InspectTests
{
    public static TheoryData<string> Folders { get; } = [.. ModelFixtures.Names];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_family_is_counted_as_it_is_loaded(string name)
    {
        var folder = Path.Combine(ModelFixtures.Root, name);
        var result = Inspect.Run(folder, new InspectOptions());
        using var model = AutoModel.Load(folder, new LoadOptions { DType = null });
        var counts = result.Parameters;
        Assert.Equal(model.Parameters.Sum(parameter => parameter.Value.numel()), counts.Total);
        Assert.Equal(counts.Total, counts.Embeddings + counts.Attention + counts.FeedForward + counts.Norms + counts.Head);
        Assert.All([counts.Embeddings, counts.Attention, counts.FeedForward, counts.Norms], part => Assert.True(part > 0));
        Assert.Equal(model.MaxLength, result.Sizes.MaxLength);
        Assert.True(result.Sizes is { Layers: > 0, Heads: > 0, HiddenSize: > 0, VocabularySize: > 0 });
        Assert.NotNull(result.Weights);
        Assert.Contains(result.Architecture, InspectVerb.Report(result), StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_twenty_billion_is_built_from_its_configuration_alone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], """
            {"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"], "vocab_size": 50432, "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64,
             "intermediate_size": 24576, "max_position_embeddings": 2048, "rotary_pct": 0.25, "layer_norm_eps": 1e-05, "tie_word_embeddings": false}
            """);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = Inspect.Run(folder["config.json"], new InspectOptions { BatchSize = 1, Length = 2048 });
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 20_000_000);

        // Table 1 of Black et al., arXiv 2204.06745.
        Assert.Equal(20_554_567_680, result.Parameters.Total);
        Assert.Equal(50432L * 6144, result.Parameters.Embeddings);
        Assert.Equal(50432L * 6144, result.Parameters.Head);
        Assert.Equal(44 * ((6144L * 3 * 6144) + (3 * 6144) + (6144 * 6144) + 6144), result.Parameters.Attention);
        Assert.Equal(44 * ((2 * 6144L * 24576) + 24576 + 6144), result.Parameters.FeedForward);
        Assert.Equal(16 * 44 * ((6144L + (3 * 6144)) + (6144 + 6144) + (2 * (6144 + 24576))), result.Parameters.Lora);
        Assert.Equal(2 * 20_554_567_680, result.Memory.BFloat16);
        // 44 layers of keys and values of 6,144 numbers, 16 bit.
        Assert.Equal(2L * 44 * 6144 * 2 * 1000, result.Memory.CacheBFloat16);
        var matrices = 44 * ((3 + 1 + 4 + 4) * 6144L * 6144);
        Assert.Equal((2 * (20_554_567_680 - matrices)) + (long)(matrices * (0.5 + (1.0 / 64) + (4.0 / (64 * 256)))), result.Memory.Nf4);
        Assert.Equal(16 * result.Parameters.Total, result.Memory.Tunings[^1].Weights + result.Memory.Tunings[^1].Gradients + result.Memory.Tunings[^1].OptimizerState);
        Assert.All(result.Memory.Tunings, way => Assert.True(way.ActivationsCheckpointed < way.Activations / 3));
        Assert.Null(result.Weights);
        var memory = System.Text.Json.Nodes.JsonNode.Parse(Understudy.Runs.RunJson.Text(result))!["memory"]!;
        Assert.Equal([2 * 20_554_567_680, 2L * 44 * 6144 * 2 * 1000], new[] { "bfloat16", "cache_bfloat16" }.Select(key => memory[key]!.GetValue<long>()));
        Assert.Equal(
            $"{folder["config.json"]} is a configuration without weights, so there is nothing to load. Name the folder of the model, or leave the loading out.",
            Assert.Throws<InvalidDataException>(() => Inspect.Run(folder["config.json"], new InspectOptions { Load = true })).Message);
    }

    [Fact]
    public void A_folder_shows_its_tokenizer_and_its_files()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(ModelFixtures.Root, "gpt-neox-bf16-sharded"))) File.Copy(file, folder[Path.GetFileName(file)]);
        File.Copy(Path.Combine(Repository.Root, "tests", "Understudy.Tests", "Fixtures", "tokenizers", "neox-style", "tokenizer.json"), folder["tokenizer.json"]);
        File.WriteAllText(folder["tokenizer_config.json"], """{"tokenizer_class": "GPTNeoXTokenizer", "eos_token": "<|endoftext|>", "chat_template": "{{ messages }}"}""");
        var result = Inspect.Run(folder.FullName, new InspectOptions { Load = true });
        Assert.Equal(("GPTNeoXTokenizer", "BPE"), (result.Tokenizer!.Class, result.Tokenizer.Model));
        Assert.Contains(result.Tokenizer.SpecialTokens, token => token is { Role: "eos_token", Content: "<|endoftext|>", Id: 0 });
        Assert.True(result.ChatTemplate);
        Assert.Equal(5, result.Weights!.Files);
        Assert.Equal(["BF16"], result.Weights.Types.Keys);
        Assert.Equal(2 * result.Parameters.Total, result.Weights.Bytes);
        Assert.Equal(result.Weights.Bytes, result.Loading!.WeightBytes);
        Assert.True(result.Loading.FirstTokenSeconds > 0);
        Assert.True(result.Loading.PeakBytes >= result.Loading.BeforeBytes);
    }
}
