using Understudy.Data;
using Understudy.Models;
using Understudy.Torch;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>An adapter: pairs of small matrices beside chosen layers, which learn while the model's own weights stay as they are (LoRA, Hu et al., arXiv 2106.09685).</summary>
/// <remarks>Names follow PEFT's <c>LoraConfig</c>.</remarks>
public sealed record LoraOptions
{
    /// <summary>Rank of the change, from 1 to 65,536: the width of the small matrices.</summary>
    /// <value>The default value is 16.</value>
    public int R { get; init; } = 16;

    /// <summary>The change is multiplied by this over <see cref="R"/>; more than 0.</summary>
    /// <value>The default value is 32.</value>
    public double LoraAlpha { get; init; } = 32;

    /// <summary>Probability with which a number that goes into the adapter is dropped in training, from 0 to below 1.</summary>
    /// <value>The default value is 0.</value>
    public double LoraDropout { get; init; }

    /// <summary>Names of the layers that have an adapter, or what their names end with, for example <c>query_key_value</c>; <c>all-linear</c> alone stands for every linear layer but the output.</summary>
    /// <value>The default value is all-linear.</value>
    public IReadOnlyList<string> TargetModules { get; init; } = [LoraConfig.AllLinear];

    /// <summary>Names of layers that have none, as for <see cref="TargetModules"/>.</summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> ExcludeModules { get; init; } = [];

    /// <summary>Whether the change is multiplied by <see cref="LoraAlpha"/> over the root of <see cref="R"/>, which suits high ranks (Kalajdzievski, arXiv 2312.03732).</summary>
    /// <value>The default value is false.</value>
    public bool UseRslora { get; init; }

    /// <summary>Whether lengths and directions of a matrix's rows are learnt apart (DoRA, Liu et al., arXiv 2402.09353). It costs time in every step.</summary>
    /// <value>The default value is false.</value>
    public bool UseDora { get; init; }

    /// <summary>Which biases are trained with the adapter.</summary>
    /// <value>The default value is none.</value>
    public LoraBias Bias { get; init; }

    /// <summary>How the small matrices begin; with <c>random</c> the model changes at once.</summary>
    /// <value>The default value is kaiming.</value>
    public LoraInit InitLoraWeights { get; init; }

    /// <summary>Type of the weights that stay as they are, and of the arithmetic outside of the adapter. <c>bfloat16</c> takes half the memory.</summary>
    /// <value>The default value is float32.</value>
    public WeightType BaseDtype { get; init; } = WeightType.Float32;

    /// <summary>How the matrices that stay as they are are held: <c>nf4</c> takes an eighth of float32's memory (QLoRA, Dettmers et al., arXiv 2305.14314).</summary>
    /// <value>The default value is none: as <see cref="BaseDtype"/> says.</value>
    public WeightQuantization BaseQuantization { get; init; }

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        Between("r", R, 1, LoraConfig.MostRank),
        MoreThan("lora_alpha", LoraAlpha, 0),
        FromToBelow("lora_dropout", LoraDropout, 0, 1),
        TargetModules.Count == 0 ? new OptionFault("target_modules", "expected names of layers or all-linear, found none.") : null,
        TargetModules.Count > 1 && TargetModules.Any(IsAll) ? new OptionFault("target_modules", "'all-linear' stands alone. Remove it or the other names.") : null);

    /// <summary>The adapter's configuration.</summary>
    /// <param name="taskType">PEFT's word for the task.</param>
    /// <param name="baseModel">Where the base is.</param>
    /// <param name="revision">Its commit on the Hub; null for a folder.</param>
    internal LoraConfig ToConfig(string taskType, string baseModel, string? revision = null) => new()
    {
        R = R,
        LoraAlpha = LoraAlpha,
        LoraDropout = LoraDropout,
        TargetModules = IsAll(TargetModules[0]) ? null : TargetModules,
        TargetPattern = IsAll(TargetModules[0]) ? LoraConfig.AllLinear : null,
        ExcludeModules = ExcludeModules.Count > 0 ? ExcludeModules : null,
        UseRslora = UseRslora,
        UseDora = UseDora,
        Bias = Bias,
        InitLoraWeights = InitLoraWeights,
        TaskType = taskType,
        BaseModelNameOrPath = baseModel,
        Revision = revision,
    };

    /// <summary>How the base is loaded.</summary>
    /// <param name="device">Where it is put.</param>
    internal LoadOptions Holding(Device device) => new() { Device = device, DType = BaseDtype.ToScalarType(), Quantization = BaseQuantization };

    private static bool IsAll(string name) => name.Equals(LoraConfig.AllLinear, StringComparison.OrdinalIgnoreCase);
}
