using Understudy.Generation;

namespace Understudy.Tests.Generation;

public sealed class GenerationConfigTests
{
    private const string Model = """{"model_type": "bart", "vocab_size": 100, "eos_token_id": 2, "pad_token_id": 1, "bos_token_id": 0, "decoder_start_token_id": 2, "forced_eos_token_id": 2, "num_beams": 7, "min_length": 9}""";

    [Fact]
    public void A_file_of_its_own_counts_and_only_token_ids_come_from_the_model()
    {
        var config = Read(Model, """
            {"num_beams": 4, "length_penalty": 2.0, "early_stopping": true, "no_repeat_ngram_size": 3, "max_length": 142, "min_length": 56, "num_return_sequences": 2, "eos_token_id": [2, 5],
             "forced_bos_token_id": 0, "bad_words_ids": [[4], [5, 6]], "temperature": 0.0, "transformers_version": "5.23.0"}
            """);
        Assert.Equal(new BeamSearchOptions { NumBeams = 4, LengthPenalty = 2, EarlyStopping = BeamStopping.WhenFull, NumReturnSequences = 2 }, config.Beams);
        Assert.Equal((3, false, 1.0), (config.Sampling.NoRepeatNgramSize, config.Sampling.DoSample, config.Sampling.Temperature));
        Assert.Equal([2, 5], config.EosTokenIds);
        Assert.Equal([2], config.ForcedEosTokenIds);
        Assert.Equal((0, 2, 1, 0), (config.ForcedBosTokenId, config.DecoderStartTokenId, config.PadTokenId, config.BosTokenId));
        Assert.Equal([[4], [5, 6]], config.BadWords);
        Assert.Equal(141, config.NewTokens(1));
        Assert.Equal(
            [typeof(NoRepeatNGramLogitsProcessor), typeof(NoBadWordsLogitsProcessor), typeof(MinNewTokensLengthLogitsProcessor), typeof(ForcedBosTokenLogitsProcessor), typeof(ForcedEosTokenLogitsProcessor)],
            config.Processors(1).Select(processor => processor.GetType()));
    }

    [Fact]
    public void Older_folders_say_it_in_the_configuration()
    {
        var config = Read(Model, null);
        Assert.Equal((7, 9, 19), (config.Beams.NumBeams, config.MinLength, config.NewTokens(1)));
        Assert.Equal([2], Read("""{"model_type": "bart", "vocab_size": 100}""", null).ForcedEosTokenIds);
        Assert.Equal(3, Read("""{"model_type": "bart", "vocab_size": 100, "bos_token_id": 3, "force_bos_token_to_be_generated": true}""", null).ForcedBosTokenId);
    }

    [Fact]
    public void Null_in_the_file_takes_a_token_away()
    {
        var config = Read(Model, """{"forced_eos_token_id": null, "max_new_tokens": 30, "max_length": 7}""");
        Assert.Empty(config.ForcedEosTokenIds);
        Assert.Equal(30, config.NewTokens(1));
        Assert.Empty(config.Processors(1));
    }

    [Fact]
    public void Sampling_takes_the_fifty_best_where_the_file_does_not_say()
    {
        Assert.Equal((50, 0.6, 0.9), (Sampled("").TopK, Sampled("").Temperature, Sampled("").TopP));
        Assert.Null(Sampled(", \"top_k\": 0").TopK);

        static SamplingOptions Sampled(string more) => Read(Model, $$"""{"do_sample": true, "temperature": 0.6, "top_p": 0.9{{more}}}""").Sampling;
    }

    [Theory]
    [InlineData("""{"num_beam_groups": 2}""", "'num_beam_groups' is '2', which is not supported. Supported: 1.")]
    [InlineData("""{"suppress_tokens": [4]}""", "'suppress_tokens' is '[4]', which is not supported. Supported: none.")]
    [InlineData("""{"early_stopping": "often"}""", "'early_stopping' is '\"often\"', which is not supported. Supported: true, false, \"never\".")]
    [InlineData("""{"num_beams": 2, "num_return_sequences": 3}""", "'num_return_sequences': expected at most 'num_beams' (2), found 3.")]
    [InlineData("""{"num_beams": 2, "do_sample": true}""", "'do_sample' is true and 'num_beams' is 2: sampling among beams is not supported. Set one of them to false or 1.")]
    [InlineData("""{"num_beams": 0}""", "'num_beams' is 0; expected an integer of at least 1.")]
    [InlineData("""{"do_sample": true, "top_p": 1.5}""", "'top_p': expected a value above 0, at most 1, found 1.5.")]
    [InlineData("""{"forced_bos_token_id": 100}""", "'forced_bos_token_id' (100) is not below the model's 'vocab_size' (100).")]
    [InlineData("""{"bad_words_ids": [[]]}""", "'bad_words_ids' must be a list of lists of token ids, none of them empty.")]
    [InlineData("""{"max_length": "long"}""", "'max_length' is \"long\"; expected an integer.")]
    public void What_is_wrong_is_said_with_file_and_key(string file, string message)
    {
        var error = Assert.Throws<InvalidDataException>(() => Read(Model, file));
        Assert.EndsWith("generation_config.json: " + message, error.Message, StringComparison.Ordinal);
    }

    private static GenerationConfig Read(string model, string? file)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["config.json"], model);
        if (file is not null) File.WriteAllText(folder["generation_config.json"], file);
        return GenerationConfig.FromFolder(folder.FullName);
    }
}
