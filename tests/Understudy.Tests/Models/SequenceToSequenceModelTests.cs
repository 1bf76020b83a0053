using System.Text.Json.Nodes;
using Understudy.Models;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Models;

public sealed class SequenceToSequenceModelTests
{
    public static TheoryData<string> Kinds { get; } = new("bart", "bart-tied", "t5", "t5-tied");

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decoding_token_by_token_equals_decoding_at_once(string kind)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var model = TinySequenceToSequence.New(kind);
        var (ids, mask) = TokenRows.Pad([[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [5, 4, 3]], model.PadTokenId);
        var target = torch.tensor(Enumerable.Range(0, 2 * 14).Select(i => (long)(i * 7 % 29)).ToArray(), 2, 14);
        var encoded = model.Encode(ids, mask);
        var whole = model.Decode(target, encoded, mask);

        using var cache = model.NewCache(2, 14);
        var parts = new List<Tensor> { model.Decode(target.narrow(1, 0, 3), encoded, mask, cache) };
        // The source is known to the cache from here on.
        var nothing = torch.zeros(encoded.shape);
        for (var i = 3; i < 14; i++) parts.Add(model.Decode(target.narrow(1, i, 1), nothing, mask, cache));

        Assert.Equal(14, cache.Target.Length);
        Assert.True(Difference(torch.cat(parts, 1), whole) < 1e-5);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Padding_of_a_source_changes_nothing(string kind)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var model = TinySequenceToSequence.New(kind);
        var target = torch.tensor(new long[] { model.DecoderStartTokenId, 4, 9 }, 1, 3);
        var (ids, mask) = TokenRows.Pad([[5, 6, 7], [5, 6, 7, 8, 9, 10, 11]], model.PadTokenId);
        var padded = model.Decode(target, model.Encode(ids.narrow(0, 0, 1), mask!.narrow(0, 0, 1)), mask.narrow(0, 0, 1));
        var alone = model.Decode(target, model.Encode(ids.narrow(0, 0, 1).narrow(1, 0, 3)));
        Assert.True(Difference(padded, alone) < 1e-5);
        var blind = model.Decode(target, model.Encode(ids.narrow(0, 0, 1)));
        Assert.True(Difference(padded, blind) > 1e-3);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_are_the_same_when_blocks_are_computed_again(string kind)
    {
        using var scope = torch.NewDisposeScope();
        using var model = TinySequenceToSequence.New(kind);
        (model.Training, model.Dropout) = (true, 0);
        var (ids, mask) = TokenRows.Pad([[5, 6, 7, 8, 9], [5, 6, 7]], model.PadTokenId);
        var labels = torch.tensor(new long[] { 4, 9, 2, 7, 2, -100 }, 2, 3);
        var kept = Gradients();
        model.GradientCheckpointing = true;
        foreach (var (one, other) in kept.Zip(Gradients()))
        {
            var size = one.Max(Math.Abs);
            Assert.True(size > 0);
            Assert.All(one.Zip(other), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-5 * size + 1e-5));
        }

        float[][] Gradients()
        {
            var hidden = model.Decode(Losses.DecoderInput(labels, model.DecoderStartTokenId, model.PadTokenId), model.Encode(ids, mask), mask);
            Losses.TargetTokenSum(model.Logits(hidden), labels).backward();
            float[][] gradients = [.. model.Parameters.Select(parameter => parameter.Value.grad!.ToArray<float>())];
            foreach (var parameter in model.Parameters) parameter.Value.grad!.zero_();
            return gradients;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_saved_and_loaded_has_equal_bytes_and_configuration(string kind)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New(kind);
        PretrainedFolder.Save(model, folder.FullName);
        using var loaded = Assert.IsAssignableFrom<ISequenceToSequenceModel>(AutoModel.Load(folder.FullName));
        Assert.Equal(model.ToConfigJson().ToJsonString(), Without(loaded.ToConfigJson(), "torch_dtype").ToJsonString());
        Assert.Equal(model.Parameters.Select(parameter => parameter.Name), loaded.Parameters.Select(parameter => parameter.Name));
        foreach (var (one, other) in model.Parameters.Concat(model.Buffers).Zip(loaded.Parameters.Concat(loaded.Buffers)))
        {
            Assert.Equal(one.Value.detach().ToArray<float>(), other.Value.detach().ToArray<float>());
        }
    }

    [Fact]
    public void The_bias_of_the_logits_is_read_added_kept_and_not_trained()
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New("bart-tied");
        var bias = torch.randn([1, TinySequenceToSequence.Vocabulary], new Generator(3));
        Save(model, folder, [.. model.Parameters, new NamedParameter("final_logits_bias", bias)]);
        using var loaded = AutoModel.LoadSequenceToSequenceModel(folder.FullName);
        var hidden = torch.randn([2, 24], new Generator(4));
        Assert.True(Difference(loaded.Logits(hidden), model.Logits(hidden) + bias) < 1e-5);
        Assert.DoesNotContain(loaded.Parameters, parameter => parameter.Name == "final_logits_bias");
        PretrainedFolder.Save(loaded, folder["again"]);
        using var again = AutoModel.LoadSequenceToSequenceModel(folder["again"]);
        Assert.Equal(bias.ToArray<float>(), again.Buffers.Single().Value.ToArray<float>());
    }

    [Theory]
    [InlineData("bart-tied", "model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight")]
    [InlineData("bart-tied", "model.shared.weight", "lm_head.weight")]
    [InlineData("t5-tied", "shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")]
    [InlineData("t5-tied", "shared.weight", "decoder.embed_tokens.weight")]
    public void The_shared_embedding_is_found_under_its_other_names(string kind, string name, params string[] stored)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New(kind);
        var shared = model.Parameters.Single(parameter => parameter.Name == name).Value;
        var rest = model.Parameters.Where(parameter => parameter.Name != name).ToList();
        foreach (var names in new[] { stored, [name, .. stored] })
        {
            Save(model, folder, [.. rest, .. names.Distinct().Select(other => new NamedParameter(other, shared))]);
            using var loaded = AutoModel.LoadSequenceToSequenceModel(folder.FullName);
            Assert.Equal(shared.detach().ToArray<float>(), loaded.Parameters.Single(parameter => parameter.Name == name).Value.detach().ToArray<float>());
            Assert.Equal(model.Parameters.Count, loaded.Parameters.Count);
        }
    }

    [Fact]
    public void A_file_of_the_bare_model_lacks_the_prefix_and_the_bias()
    {
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New("bart-tied");
        Save(model, folder, [.. model.Parameters.Select(parameter => parameter with { Name = parameter.Name["model.".Length..] })]);
        using var loaded = AutoModel.LoadSequenceToSequenceModel(folder.FullName);
        Assert.All(model.Parameters.Zip(loaded.Parameters), pair => Assert.Equal(pair.First.Value.detach().ToArray<float>(), pair.Second.Value.detach().ToArray<float>()));
        Assert.All(loaded.Buffers.Single().Value.ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("bart-tied", "model.shared.weight", "model.encoder.embed_tokens.weight")]
    [InlineData("t5-tied", "shared.weight", "decoder.embed_tokens.weight")]
    public void A_copy_of_the_embedding_that_differs_is_refused_by_name(string kind, string name, string copy)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New(kind);
        var other = model.Parameters.Single(parameter => parameter.Name == name).Value.detach() + 1;
        Save(model, folder, [.. model.Parameters, new NamedParameter(copy, other)]);
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.LoadSequenceToSequenceModel(folder.FullName));
        Assert.Contains($"Unexpected (1): {copy}.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bart-tied")]
    [InlineData("t5-tied")]
    public void An_output_layer_of_its_own_counts_whatever_the_configuration_says(string kind)
    {
        using var scope = torch.NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New(kind);
        var own = torch.randn([TinySequenceToSequence.Vocabulary, 24], new Generator(3));
        Save(model, folder, [.. model.Parameters, new NamedParameter("lm_head.weight", own)]);
        using var loaded = AutoModel.LoadSequenceToSequenceModel(folder.FullName);
        Assert.Equal(own.ToArray<float>(), loaded.Parameters.Single(parameter => parameter.Name == "lm_head.weight").Value.detach().ToArray<float>());
        Assert.False((bool)loaded.ToConfigJson()["tie_word_embeddings"]!);
        // Only the layer changed, not whether hidden states are scaled before it.
        Assert.Equal(model.ToConfigJson()["scale_decoder_outputs"]?.ToJsonString(), loaded.ToConfigJson()["scale_decoder_outputs"]?.ToJsonString());
    }

    [Theory]
    [InlineData("""{"model_type": "bart", "vocab_size": 29, "d_model": 24, "encoder_attention_heads": 5, "decoder_attention_heads": 4}""", "'d_model' (24) is not a multiple of 'encoder_attention_heads' (5).")]
    [InlineData("""{"model_type": "bart", "vocab_size": 29, "d_model": 24, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "activation_function": "swiglu"}""", "'activation_function' is 'swiglu', which is not supported.")]
    [InlineData("""{"model_type": "bart", "vocab_size": 29, "d_model": 24, "normalize_before": true}""", "'normalize_before' is 'true', which is not supported. Supported: false.")]
    [InlineData("""{"model_type": "bart", "vocab_size": 29, "d_model": 16, "decoder_start_token_id": 29}""", "'decoder_start_token_id' (29) is not below 'vocab_size' (29).")]
    [InlineData("""{"model_type": "t5", "vocab_size": 29, "d_model": 24, "feed_forward_proj": "gated-swiglu"}""", "'feed_forward_proj' is 'swiglu', which is not supported.")]
    [InlineData("""{"model_type": "t5", "vocab_size": 29, "d_model": 24, "relative_attention_num_buckets": 2}""", "'relative_attention_num_buckets' is 2; expected an integer of at least 4.")]
    [InlineData("""{"model_type": "t5", "vocab_size": 29, "d_model": 24, "relative_attention_max_distance": 16}""", "'relative_attention_max_distance' (16) must be more than half of 'relative_attention_num_buckets' (32).")]
    public void What_is_not_supported_is_refused_before_a_weight_is_read(string config, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], config);
        var error = Assert.Throws<InvalidDataException>(() => AutoModel.LoadSequenceToSequenceModel(folder.FullName));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    // The published bucket rules by hand: 32 buckets, 128 tokens.
    [Theory]
    [InlineData(true, -200, 15)]
    [InlineData(true, -128, 15)]
    [InlineData(true, -20, 10)]
    [InlineData(true, -7, 7)]
    [InlineData(true, 0, 0)]
    [InlineData(true, 1, 17)]
    [InlineData(true, 8, 24)]
    [InlineData(true, 64, 30)]
    [InlineData(false, -3, 3)]
    [InlineData(false, -16, 16)]
    [InlineData(false, -40, 23)]
    [InlineData(false, -300, 31)]
    [InlineData(false, 5, 0)]
    public void Distances_fall_into_the_published_buckets(bool bidirectional, int relative, long bucket)
    {
        using var table = RelativeBuckets.Table(32, 128, bidirectional, Device.CPU);
        Assert.Equal(bucket, table.ToArray<long>()[Math.Clamp(relative, -128, 128) + 128]);
    }

    [Fact]
    public void A_classifier_reads_the_last_end_of_text_and_says_when_there_is_none()
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        using var model = new BartForSequenceClassification(TinySequenceToSequence.BartConfig with { Labels = ["a", "b", "c"] }, new RandomParameters(5, 0.3));
        var (ids, mask) = TokenRows.Pad([[0, 5, 2, 2, 7, 8, 2], [0, 9, 2]], 1);
        var logits = model.Forward(ids, mask);
        Assert.Equal([2, 3], logits.shape);
        Assert.True(Difference(logits.narrow(0, 1, 1), model.Forward(ids.narrow(0, 1, 1).narrow(1, 0, 3))) < 1e-5);
        // The encoder sees the whole text, what follows the last end included.
        var (longer, longerMask) = TokenRows.Pad([[0, 5, 2, 2, 7, 8, 2, 6], [0, 9, 2]], 1);
        Assert.True(Difference(model.Forward(longer, longerMask).narrow(0, 0, 1), logits.narrow(0, 0, 1)) > 1e-4);
        var error = Assert.Throws<ArgumentException>(() => model.Forward(torch.tensor(new long[] { 0, 5, 6 }, 1, 3)));
        Assert.StartsWith("A row has no end-of-text token (2), where this classifier reads. Let the tokenizer add it.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_classifier_is_made_from_a_language_model_saved_and_loaded()
    {
        using var folder = new TemporaryFolder();
        using var model = TinySequenceToSequence.New("bart");
        PretrainedFolder.Save(model, folder.FullName);
        using var classifier = AutoModel.LoadForSequenceClassification(folder.FullName, ["yes", "no"], 1, out var fresh);
        Assert.Equal(["classification_head.dense.bias", "classification_head.dense.weight", "classification_head.out_proj.bias", "classification_head.out_proj.weight"], fresh.Order(StringComparer.Ordinal));
        PretrainedFolder.Save(classifier, folder["classifier"]);
        using var again = Assert.IsType<BartForSequenceClassification>(AutoModel.Load(folder["classifier"]));
        Assert.Equal(["yes", "no"], again.Labels);
        foreach (var (one, other) in classifier.Parameters.Zip(again.Parameters))
        {
            Assert.Equal(one.Name, other.Name);
            Assert.Equal(one.Value.detach().ToArray<float>(), other.Value.detach().ToArray<float>());
        }
    }

    private static void Save(ISequenceToSequenceModel model, TemporaryFolder folder, IReadOnlyList<NamedParameter> weights)
    {
        File.WriteAllText(folder["config.json"], model.ToConfigJson().ToJsonString());
        WeightFile.Write(folder["model.safetensors"], weights);
    }

    private static JsonObject Without(JsonObject json, string key)
    {
        json.Remove(key);
        return json;
    }

    private static double Difference(Tensor one, Tensor other)
    {
        using var scope = torch.NewDisposeScope();
        return (one - other).abs().max().item<double>();
    }
}
