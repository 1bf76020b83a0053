using System.Text.Json.Nodes;
using Understudy.Models;

namespace Understudy.Generation;

/// <summary>How a model's folder wants it to generate: <c>generation_config.json</c>, and what older folders say in <c>config.json</c>.</summary>
/// <remarks>Names and defaults are those of Hugging Face's <c>GenerationConfig</c>. What changes a text and is not supported is refused by its key.</remarks>
public sealed record GenerationConfig
{
    /// <summary>Name of the file in a model folder.</summary>
    public const string FileName = "generation_config.json";

    // What transformers takes when neither 'max_length' nor 'max_new_tokens' is given.
    private const int DefaultMaxLength = 20;

    // What transformers samples from when 'top_k' is not given.
    private const int DefaultTopK = 50;

    // Keys that change texts, with the value at which they change nothing.
    private static readonly (string Key, double Neutral)[] UnsupportedNumbers =
    [
        ("num_beam_groups", 1), ("diversity_penalty", 0), ("penalty_alpha", 0), ("encoder_repetition_penalty", 1), ("encoder_no_repeat_ngram_size", 0),
        ("guidance_scale", 1), ("epsilon_cutoff", 0), ("eta_cutoff", 0),
    ];

    private static readonly string[] UnsupportedSettings =
    [
        "force_words_ids", "constraints", "sequence_bias", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "forced_decoder_ids",
        "watermarking_config", "renormalize_logits", "remove_invalid_values", "max_time", "dola_layers",
    ];

    /// <summary>How a token is chosen; <see cref="SamplingOptions.MaxNewTokens"/> is not read, see <see cref="NewTokens"/>.</summary>
    public SamplingOptions Sampling { get; init; } = new() { DoSample = false };

    /// <summary>Beam search; one beam means greedy search or sampling.</summary>
    public BeamSearchOptions Beams { get; init; } = new() { NumBeams = 1 };

    /// <summary>Token sequences that must not be generated.</summary>
    public IReadOnlyList<IReadOnlyList<int>> BadWords { get; init; } = [];

    /// <summary>The most tokens of a row, its beginning included; not read where <see cref="MaxNewTokens"/> is given.</summary>
    public int? MaxLength { get; init; }

    /// <summary>The most new tokens of a row.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>The fewest tokens of a row before it may end, its beginning included.</summary>
    public int MinLength { get; init; }

    /// <summary>The fewest new tokens of a row before it may end.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Id of the token that begins a text.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Ids of the tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Id of the padding token.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Id that an encoder-decoder's targets begin with.</summary>
    public int? DecoderStartTokenId { get; init; }

    /// <summary>The only token allowed after a beginning of one token.</summary>
    public int? ForcedBosTokenId { get; init; }

    /// <summary>The only tokens allowed as the last that fits.</summary>
    public IReadOnlyList<int> ForcedEosTokenIds { get; init; } = [];

    /// <summary>Reads a model folder. Ids of tokens that <c>generation_config.json</c> leaves unsaid come from <c>config.json</c>; everything else does when there is no such file.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, or a key is out of its range or not supported.</exception>
    public static GenerationConfig FromFolder(string folder)
    {
        var model = ConfigJson.Read(folder);
        var file = Path.Combine(folder, FileName);
        var own = File.Exists(file) ? ConfigJson.ReadFile(file) : null;
        var json = own ?? model;
        Refuse(json);
        var sampling = json.Bool("do_sample", false);
        var config = new GenerationConfig
        {
            Sampling = new SamplingOptions
            {
                DoSample = sampling,
                // They do nothing without sampling, and files hold odd values there.
                Temperature = sampling ? json.Double("temperature", 1) : 1,
                TopK = sampling ? Positive(json.Int("top_k", DefaultTopK, least: 0)) : null,
                TopP = sampling && json.Has("top_p") ? json.Double("top_p") : null,
                MinP = sampling && json.Has("min_p") ? json.Double("min_p") : null,
                TypicalP = sampling && json.Double("typical_p", 1) is < 1 and var mass ? mass : null,
                RepetitionPenalty = json.Double("repetition_penalty", 1),
                NoRepeatNgramSize = Positive(json.Int("no_repeat_ngram_size", 0, least: 0)),
                StopStrings = StopStringsOf(json),
            },
            Beams = new BeamSearchOptions
            {
                NumBeams = json.Int("num_beams", 1),
                LengthPenalty = json.Double("length_penalty", 1),
                EarlyStopping = StoppingOf(json),
                NumReturnSequences = json.Int("num_beams", 1) > 1 ? json.Int("num_return_sequences", 1) : 1,
            },
            BadWords = BadWordsOf(json),
            MaxLength = json.Has("max_length") ? json.Int("max_length") : null,
            MaxNewTokens = json.Has("max_new_tokens") ? json.Int("max_new_tokens") : null,
            MinLength = json.Int("min_length", 0, least: 0),
            MinNewTokens = json.Int("min_new_tokens", 0, least: 0),
            BosTokenId = Id("bos_token_id"),
            EosTokenIds = Ids("eos_token_id"),
            PadTokenId = Id("pad_token_id"),
            DecoderStartTokenId = Id("decoder_start_token_id"),
            ForcedBosTokenId = Id("forced_bos_token_id"),
            ForcedEosTokenIds = Ids("forced_eos_token_id"),
        };
        // BART's first files say these otherwise, or leave them to the program.
        if (config.ForcedBosTokenId is null && model.Bool("force_bos_token_to_be_generated", false)) config = config with { ForcedBosTokenId = config.BosTokenId };
        if (own is null && model.String("model_type", "") == BartConfig.ModelType && !model.Root.ContainsKey("forced_eos_token_id")) config = config with { ForcedEosTokenIds = [2] };
        Check(config, json, model);
        return config;

        // A key that is there and null says that there is no such token.
        ConfigJson Place(string key) => own is not null && own.Root.ContainsKey(key) ? own : model;
        int? Id(string key) => Place(key).TokenId(key);
        IReadOnlyList<int> Ids(string key) => [.. Place(key).Ints(key).Where(id => id >= 0)];
    }

    /// <summary>The most new tokens of a row.</summary>
    /// <param name="beginning">Tokens that it begins with: those of the prompt, or 1 for an encoder-decoder.</param>
    public int NewTokens(int beginning) => MaxNewTokens ?? Math.Max(1, (MaxLength ?? DefaultMaxLength) - beginning);

    /// <summary>What changes the logits, in the order of transformers.</summary>
    /// <param name="beginning">Tokens that a row begins with: those of the prompt, or 1 for an encoder-decoder.</param>
    public IReadOnlyList<ILogitsProcessor> Processors(int beginning) => LogitsProcessors.From(
        Sampling with { MaxNewTokens = NewTokens(beginning) }, BadWords, EosTokenIds, Math.Max(MinNewTokens, MinLength - beginning), ForcedBosTokenId, ForcedEosTokenIds);

    /// <summary>When a row ends.</summary>
    /// <param name="beginning">Tokens that it begins with: those of the prompt, or 1 for an encoder-decoder.</param>
    /// <param name="decode">Turns token ids into text, without special tokens.</param>
    public StopCondition Stop(int beginning, Func<ReadOnlySpan<int>, string> decode) => new(EosTokenIds, Sampling.StopStrings, NewTokens(beginning), decode);

    private static int? Positive(int value) => value > 0 ? value : null;

    private static void Refuse(ConfigJson json)
    {
        foreach (var (key, neutral) in UnsupportedNumbers)
        {
            if (json.Double(key, neutral) is var value && value != neutral) throw json.Unsupported(key, json.Root[key]!.ToJsonString(), neutral.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        foreach (var key in UnsupportedSettings)
        {
            var empty = !json.Has(key) || json.Root[key] is JsonArray { Count: 0 } or JsonObject { Count: 0 } || (json.Root[key] is JsonValue value && value.TryGetValue<bool>(out var flag) && !flag);
            if (!empty) throw json.Unsupported(key, json.Root[key]!.ToJsonString(), "none");
        }
    }

    private static BeamStopping StoppingOf(ConfigJson json) => json.Root["early_stopping"] switch
    {
        null => BeamStopping.Estimate,
        JsonValue value when value.TryGetValue<bool>(out var flag) => flag ? BeamStopping.WhenFull : BeamStopping.Estimate,
        JsonValue value when value.TryGetValue<string>(out var text) && text == "never" => BeamStopping.Never,
        var other => throw json.Unsupported("early_stopping", other.ToJsonString(), "true, false, \"never\""),
    };

    private static IReadOnlyList<string> StopStringsOf(ConfigJson json) =>
        json.Root["stop_strings"] is JsonValue value && value.TryGetValue<string>(out var text) ? [text] : json.Strings("stop_strings") ?? [];

    private static IReadOnlyList<IReadOnlyList<int>> BadWordsOf(ConfigJson json)
    {
        if (!json.Has("bad_words_ids")) return [];
        return json.Root["bad_words_ids"] is JsonArray rows && rows.All(row => row is JsonArray { Count: > 0 } ids && ids.All(id => id is JsonValue value && value.TryGetValue<int>(out _)))
            ? [.. rows.Select(row => (IReadOnlyList<int>)[.. row!.AsArray().Select(id => id!.GetValue<int>())])]
            : throw json.Fault("'bad_words_ids' must be a list of lists of token ids, none of them empty.");
    }

    private static void Check(GenerationConfig config, ConfigJson json, ConfigJson model)
    {
        if (config.Sampling.DoSample && config.Beams.NumBeams > 1) throw json.Fault($"'do_sample' is true and 'num_beams' is {config.Beams.NumBeams}: sampling among beams is not supported. Set one of them to false or 1.");
        foreach (var fault in config.Sampling.Validate().Concat(config.Beams.Validate())) throw json.Fault($"'{fault.KeyPath}': {fault.Message}");
        if (!model.Has("vocab_size")) return;
        var vocabulary = model.Int("vocab_size");
        (string Key, IEnumerable<int> Ids)[] used =
        [
            ("eos_token_id", config.EosTokenIds), ("forced_eos_token_id", config.ForcedEosTokenIds), ("forced_bos_token_id", One(config.ForcedBosTokenId)), ("decoder_start_token_id", One(config.DecoderStartTokenId)),
        ];
        foreach (var (key, ids) in used)
        {
            if (ids.FirstOrDefault(id => id >= vocabulary, -1) is >= 0 and var id) throw json.Fault($"'{key}' ({id}) is not below the model's 'vocab_size' ({vocabulary}).");
        }

        static IEnumerable<int> One(int? id) => id is { } known ? [known] : [];
    }
}
