namespace Understudy.Recipes;

/// <summary>What a model of the box is meant for.</summary>
public enum ModelUse
{
    /// <summary>It labels and writes texts: <c>teacher.model</c>.</summary>
    Teacher,

    /// <summary>The beginning of a classifier: <c>students[].model</c>.</summary>
    ClassificationStudent,

    /// <summary>The beginning of a model that writes targets for sources.</summary>
    GenerationStudent,
}

/// <summary>The models that come with Understudy.</summary>
/// <param name="Folder">Where they are; null when there is no such folder.</param>
/// <param name="Search">Where was looked, as a sentence.</param>
/// <param name="Models">The models by name.</param>
public sealed record BoxListing(string? Folder, string Search, IReadOnlyList<BoxedModel> Models);

/// <summary>A model that comes with Understudy.</summary>
/// <param name="Name">As run files and verbs name it: <c>box://NAME</c>.</param>
/// <param name="Path">Its folder, absolute.</param>
/// <param name="Family">Its <c>model_type</c>; null where that cannot be read.</param>
/// <param name="Architecture">The class in transformers; null where that cannot be read.</param>
/// <param name="Use">What it is meant for; null where the card does not say.</param>
/// <param name="License">The card's short name of the licence; null where it does not say.</param>
/// <param name="Parameters">Number of weights, each counted once also when it is used twice; null where that cannot be read.</param>
/// <param name="Types">Types of the weights in the file, as its header has them.</param>
/// <param name="Bytes">Size of all files of the folder.</param>
/// <param name="Summary">The card's first words.</param>
/// <param name="Fault">What is wrong with the folder; null when nothing is.</param>
public sealed record BoxedModel(string Name, string Path, string? Family, string? Architecture, ModelUse? Use, string? License, long? Parameters, IReadOnlyList<string> Types, long Bytes, string Summary, string? Fault);
