using System.Text.Json.Nodes;
using Understudy.Generation;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Models;

/// <summary>Architectures that differ from the published ones: each is saved, loaded by its folder, and decodes a text token by token as at once.</summary>
public sealed class ConfigVariationTests
{
    private const int Vocabulary = 23;

    public static TheoryData<string, string> Causal => new()
    {
        { "llama", """{"hidden_size": 21, "num_attention_heads": 7, "num_key_value_heads": 1, "head_dim": 6, "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true, "hidden_act": "relu2"}""" },
        { "llama", """{"hidden_size": 24, "num_attention_heads": 6, "num_key_value_heads": 3, "rope_parameters": {"rope_type": "yarn", "rope_theta": 500, "factor": 2, "original_max_position_embeddings": 16, "attention_factor": 1.3}}""" },
        { "llama", """{"hidden_size": 24, "num_attention_heads": 3, "hidden_act": "gelu_pytorch_tanh", "rope_theta": 700, "rope_scaling": {"type": "linear", "factor": 3}}""" },
        { "mistral", """{"hidden_size": 15, "num_attention_heads": 5, "num_key_value_heads": 5, "head_dim": 2, "sliding_window": 3, "hidden_act": "quick_gelu"}""" },
        { "mistral", """{"hidden_size": 18, "num_attention_heads": 3, "num_key_value_heads": 1, "sliding_window": null, "tie_word_embeddings": true}""" },
        { "qwen2", """{"hidden_size": 30, "num_attention_heads": 5, "num_key_value_heads": 1, "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1, "tie_word_embeddings": true}""" },
        { "qwen3", """{"hidden_size": 14, "num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 10, "attention_bias": true, "hidden_act": "gelu"}""" },
        { "gpt2", """{"n_embd": 21, "n_head": 7, "n_layer": 3, "n_inner": 10, "n_positions": 32, "activation_function": "relu", "tie_word_embeddings": false, "scale_attn_weights": false, "scale_attn_by_inverse_layer_idx": true}""" },
        { "gpt2", """{"n_embd": 15, "n_head": 1, "n_layer": 2, "n_positions": 32, "activation_function": "quick_gelu"}""" },
        { "gpt_neox", """{"hidden_size": 40, "num_attention_heads": 5, "rotary_pct": 0.5, "rotary_emb_base": 300, "use_parallel_residual": false, "attention_bias": false, "tie_word_embeddings": true, "hidden_act": "relu"}""" },
        { "gpt_neox", """{"hidden_size": 12, "num_attention_heads": 1, "rotary_pct": 1.0, "hidden_act": "gelu_new"}""" },
    };

    public static TheoryData<string, string> Pairs => new()
    {
        { "bart", """{"d_model": 21, "encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 7, "decoder_attention_heads": 3, "encoder_ffn_dim": 9, "decoder_ffn_dim": 30, "scale_embedding": true, "activation_function": "relu", "forced_eos_token_id": 2}""" },
        { "bart", """{"d_model": 10, "encoder_layers": 1, "decoder_layers": 3, "encoder_attention_heads": 1, "decoder_attention_heads": 5, "encoder_ffn_dim": 9, "decoder_ffn_dim": 30, "tie_word_embeddings": false, "activation_function": "gelu_new"}""" },
        { "t5", """{"d_model": 20, "d_kv": 7, "d_ff": 11, "num_layers": 1, "num_decoder_layers": 3, "num_heads": 3, "relative_attention_num_buckets": 5, "relative_attention_max_distance": 6, "feed_forward_proj": "gated-silu", "tie_word_embeddings": false}""" },
        { "t5", """{"d_model": 16, "d_kv": 3, "d_ff": 11, "num_layers": 2, "num_heads": 1, "relative_attention_num_buckets": 4, "relative_attention_max_distance": 3, "feed_forward_proj": "relu", "tie_word_embeddings": true}""" },
        { "t5", """{"d_model": 16, "d_kv": 9, "d_ff": 11, "num_layers": 2, "num_heads": 5, "relative_attention_num_buckets": 31, "feed_forward_proj": "gated-gelu"}""" },
    };

    [Theory]
    [MemberData(nameof(Causal))]
    public void A_causal_model_of_any_shape_is_saved_loaded_and_decoded(string type, string keys)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var folder = new TemporaryFolder();
        using var model = (ICausalLanguageModel)New(type, keys);
        PretrainedFolder.Save(model, folder.FullName);
        using var loaded = Assert.IsAssignableFrom<ICausalLanguageModel>(AutoModel.Load(folder.FullName));
        using var outline = AutoModel.Outline(folder.FullName);
        Assert.Equal(loaded.Parameters.Select(parameter => (parameter.Name, string.Join(',', parameter.Value.shape))), outline.Parameters.Select(parameter => (parameter.Name, string.Join(',', parameter.Value.shape))));

        var (ids, mask) = TokenRows.Pad([[5, 6, 7, 8, 9, 10, 11, 12, 13], [5, 4, 3]], 0);
        var logits = model.Logits(model.Hidden(ids, mask));
        Assert.Equal(logits.ToArray<float>(), loaded.Logits(loaded.Hidden(ids, mask)).ToArray<float>());
        Assert.True(logits.ToArray<float>().Distinct().Count() > 10);

        using var cache = loaded.NewCache(1, 9);
        var row = ids.narrow(0, 0, 1);
        var parts = new List<Tensor> { loaded.Hidden(row.narrow(1, 0, 4), cache: cache) };
        for (var i = 4; i < 9; i++) parts.Add(loaded.Hidden(row.narrow(1, i, 1), cache: cache));
        Close(loaded.Hidden(row), torch.cat(parts, 1));
        Alike(new BeamSearch(loaded, [], One, Stop), new TextGenerator(loaded, [], false, Stop));
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void An_encoder_decoder_of_any_shape_is_saved_loaded_and_decoded(string type, string keys)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var folder = new TemporaryFolder();
        using var model = (ISequenceToSequenceModel)New(type, keys);
        PretrainedFolder.Save(model, folder.FullName);
        using var loaded = Assert.IsAssignableFrom<ISequenceToSequenceModel>(AutoModel.Load(folder.FullName));
        var (ids, mask) = TokenRows.Pad([[5, 6, 7, 8, 9, 10, 11, 12, 13], [5, 4, 3]], model.PadTokenId);
        var target = torch.tensor(Enumerable.Range(0, 18).Select(i => (long)(i * 7 % Vocabulary)).ToArray(), 2, 9);
        var whole = model.Decode(target, model.Encode(ids, mask), mask);
        var encoded = loaded.Encode(ids, mask);
        Assert.Equal(model.Logits(whole).ToArray<float>(), loaded.Logits(loaded.Decode(target, encoded, mask)).ToArray<float>());

        using var cache = loaded.NewCache(2, 9);
        var parts = new List<Tensor> { loaded.Decode(target.narrow(1, 0, 2), encoded, mask, cache) };
        for (var i = 2; i < 9; i++) parts.Add(loaded.Decode(target.narrow(1, i, 1), encoded, mask, cache));
        Close(whole, torch.cat(parts, 1));
        Alike(new BeamSearch(loaded, [], One, Stop), new TextGenerator(loaded, [], false, Stop));
    }

    private static BeamSearchOptions One { get; } = new() { NumBeams = 1 };

    private static StopCondition Stop { get; } = new([3, 8], [], 9, _ => "");

    private static void Alike(BeamSearch beam, TextGenerator greedy)
    {
        int[][] texts = [[5, 6], [5, 4, 3, 9, 10], [7]];
        Assert.Equal(
            greedy.Generate([.. texts.Select(text => new GenerationPrompt(text))]).OrderBy(text => text.Prompt).Select(text => text.Tokens.ToArray()),
            beam.Generate(texts).OrderBy(text => text.Prompt).Select(text => text.Tokens.ToArray()));
    }

    private static void Close(Tensor one, Tensor other) =>
        Assert.All(one.ToArray<float>().Zip(other.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * Math.Max(1, Math.Abs(pair.First))));

    private static IPretrainedModel New(string type, string keys)
    {
        var json = JsonNode.Parse(keys)!.AsObject();
        json["model_type"] = type;
        json["vocab_size"] = Vocabulary;
        foreach (var (key, value) in new[] { ("num_hidden_layers", 2), ("intermediate_size", 13), ("max_position_embeddings", 32), ("bos_token_id", 0), ("pad_token_id", 1), ("eos_token_id", 2) })
        {
            if (!json.ContainsKey(key)) json[key] = value;
        }

        return AutoModel.Build(new ConfigJson(json, type), new RandomParameters(1, 0.3));
    }
}
