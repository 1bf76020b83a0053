using Understudy.Data;
using Understudy.Models;
using Understudy.Training;
using static Understudy.Data.OptionBounds;

namespace Understudy.Recipes;

/// <summary>The large model and how it learns the task from the labelled seeds.</summary>
public sealed record TeacherOptions
{
    /// <summary>A Hugging Face folder with a decoder, or the name of one in the box, <c>box://NAME</c>, or on the Hub: <c>OWNER/NAME</c> or <c>hf://OWNER/NAME@REVISION</c>.</summary>
    /// <value>The default value is null: the model that <c>pretrain</c> makes.</value>
    [InputPath(Folder = true, OrModelName = true)]
    public string? Model { get; init; }

    /// <summary>The training on prompts followed by their labels.</summary>
    /// <value>The default value is 12 epochs of batches of 16, learning rate 5e-4 falling in a straight line after 10% warm-up.</value>
    public TrainingOptions Tune { get; init; } = new() { Epochs = 12, LearningRate = 5e-4, WarmupRatio = 0.1 };

    /// <summary>A small adapter that is tuned in place of the weights, which stay as they are.</summary>
    /// <value>The default value is null: all weights are tuned.</value>
    public LoraOptions? Lora { get; init; }

    /// <summary>Whether the tuned adapter is added to the weights and the whole model is saved, instead of the adapter beside the model it began with.</summary>
    /// <value>The default value is false.</value>
    public bool Merge { get; init; }

    /// <summary>Weight of the prompt's tokens in the loss, from 0 to 1. Above 0 the teacher learns to write such texts as well as to label them.</summary>
    /// <value>The default value is 0.3.</value>
    public double PromptLossWeight { get; init; } = 0.3;

    /// <summary>Weight of the label's tokens in the loss, above 0.</summary>
    /// <value>The default value is 1.</value>
    public double LabelLossWeight { get; init; } = 1;

    /// <summary>Weight of the words of a seed's text when the teacher learns to write such texts for a label, from 0 to 1; used when an arm needs generated rows.</summary>
    /// <value>The default value is 0.3.</value>
    public double GenerationLossWeight { get; init; } = 0.3;

    /// <summary>The most that one file of the saved teacher's weights holds, for example <c>500MB</c>, <c>5GB</c> or <c>2GiB</c>; more weights are divided over several files with an index. It cannot change a result.</summary>
    /// <value>The default value is 50GB, as in transformers.</value>
    [NotInFingerprint]
    public string MaxShardSize { get; init; } = "50GB";

    /// <summary>How the teacher is saved.</summary>
    internal long MaxShardBytes => ByteSize.TryParse(MaxShardSize, out var bytes) ? bytes : throw new InvalidOperationException($"'{MaxShardSize}' was not validated.");

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() =>
    [
        .. Faults(
            NotBlank("model", Model),
            Merge && Lora is null ? new OptionFault("merge", "has no effect without 'teacher.lora': all weights are tuned and saved. Remove it, or describe an adapter in 'lora'.") : null,
            Merge && Lora?.BaseQuantization is { } held and not Models.WeightQuantization.None
                ? new OptionFault("merge", $"is not possible with 'lora.base_quantization: {held.ToString().ToLowerInvariant()}', since such matrices cannot take the sum. Set it to false; 'understudy merge' adds the adapter to the original weights.")
                : null,
            Lora is not null && Tune.Optimizer == OptimizerType.Muon ? new OptionFault("tune.optimizer", TrainingOptions.MuonForAdapter) : null,
            Between("prompt_loss_weight", PromptLossWeight, 0, 1),
            ByteSize.TryParse(MaxShardSize, out _) ? null : new OptionFault("max_shard_size", $"expected a size such as 500MB, 5GB or 2GiB, found '{MaxShardSize}'."),
            MoreThan("label_loss_weight", LabelLossWeight, 0),
            Between("generation_loss_weight", GenerationLossWeight, 0, 1)),
        .. (Lora?.Validate() ?? []).Select(fault => fault.Under("lora")),
        .. Tune.Validate().Select(fault => fault.Under("tune")),
    ];
}
