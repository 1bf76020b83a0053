using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>Which biases an adapter trains beside its own matrices.</summary>
public enum LoraBias
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those of the layers that have the adapter; the adapter holds copies of its own.</summary>
    LoraOnly,
}

/// <summary>How the matrices of a new adapter are filled.</summary>
public enum LoraInit
{
    /// <summary>A uniform as <c>kaiming_uniform_(a=sqrt(5))</c>, B zero: the model says what it said before.</summary>
    Kaiming,

    /// <summary>A normal with standard deviation 1 / r, B zero.</summary>
    Gaussian,

    /// <summary>A and B uniform as those of a new linear layer: the model changes at once.</summary>
    Random,
}

/// <summary>What a LoRA adapter looks like: the <c>adapter_config.json</c> of PEFT, whose names and defaults these are.</summary>
public sealed record LoraConfig
{
    /// <summary>The largest rank that is read; a hostile file must not ask for more.</summary>
    internal const int MostRank = 65_536;

    /// <summary>The word for every linear layer that does not make the model's output.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>Rank of the change: columns of B, rows of A; from 1 to 65,536.</summary>
    /// <value>The default value is 8.</value>
    public int R { get; init; } = 8;

    /// <summary>The change is multiplied by this over <see cref="R"/>, or over its root with <see cref="UseRslora"/>.</summary>
    /// <value>The default value is 8.</value>
    public double LoraAlpha { get; init; } = 8;

    /// <summary>Probability with which a number that goes into the adapter is dropped in training, from 0 to below 1.</summary>
    /// <value>The default value is 0.</value>
    public double LoraDropout { get; init; }

    /// <summary>Names of the layers that have the adapter, or what follows the last dots of their names. Null together with <see cref="TargetPattern"/>: as PEFT has it for the family.</summary>
    public IReadOnlyList<string>? TargetModules { get; init; }

    /// <summary>Instead of <see cref="TargetModules"/>: <see cref="AllLinear"/>, or a regular expression that a layer's whole name has to match.</summary>
    public string? TargetPattern { get; init; }

    /// <summary>Layers that have no adapter, as <see cref="TargetModules"/>.</summary>
    public IReadOnlyList<string>? ExcludeModules { get; init; }

    /// <summary>Instead of <see cref="ExcludeModules"/>: a regular expression.</summary>
    public string? ExcludePattern { get; init; }

    /// <summary>Numbers of the blocks that have the adapter; null for all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>What stands before the number of a block in a layer's name (regular expressions); null or empty for anything.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    /// <summary>Other ranks, by regular expressions for the end of a layer's name.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>Other alphas, by regular expressions for the end of a layer's name.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>Whether the change is scaled by the root of the rank (Kalajdzievski, arXiv 2312.03732).</summary>
    public bool UseRslora { get; init; }

    /// <summary>Whether length and direction of the rows are learnt apart: DoRA (Liu et al., arXiv 2402.09353).</summary>
    public bool UseDora { get; init; }

    /// <summary>Which biases are trained.</summary>
    public LoraBias Bias { get; init; }

    /// <summary>How a new adapter begins.</summary>
    public LoraInit InitLoraWeights { get; init; }

    /// <summary>Modules that are trained as a whole and saved with the adapter, by name: heads of classifiers. They must be made of linear layers.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>PEFT's word for the task: <c>CAUSAL_LM</c>, <c>SEQ_CLS</c>, <c>SEQ_2_SEQ_LM</c>, ...; null for none. With <c>SEQ_CLS</c> the heads <c>classifier</c> and <c>score</c> are among <see cref="ModulesToSave"/>.</summary>
    public string? TaskType { get; init; }

    /// <summary>Where the base model is: a folder, or a name on the Hub.</summary>
    public string? BaseModelNameOrPath { get; init; }

    /// <summary>Branch, tag or commit of a base on the Hub; null for none.</summary>
    public string? Revision { get; init; }

    /// <summary>The file this was read from; keys that nothing here reads are kept.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>The modules that are trained as a whole, those of the task included.</summary>
    internal IEnumerable<string> SavedModules => TaskType == "SEQ_CLS" ? ModulesToSave.Union(["classifier", "score"]) : ModulesToSave;

    /// <summary>What is wrong with a configuration, beginning with the key; null when nothing is.</summary>
    internal string? Fault() =>
        R is < 1 or > MostRank ? $"'r' is {R}; expected a number from 1 to {MostRank}."
        : RankPattern.FirstOrDefault(pair => pair.Value is < 1 or > MostRank) is { Key: { } key, Value: var rank } ? $"'rank_pattern' gives {rank} for '{key}'; expected a number from 1 to {MostRank}."
        : !(LoraDropout is >= 0 and < 1) ? $"'lora_dropout' is {LoraDropout}; expected a probability from 0 to below 1."
        : !double.IsFinite(LoraAlpha) || AlphaPattern.Values.Any(alpha => !double.IsFinite(alpha)) ? "'lora_alpha' or an entry of 'alpha_pattern' is no finite number."
        : TargetModules is { Count: 0 } ? "'target_modules' is empty; expected names of layers."
        : null;
}
