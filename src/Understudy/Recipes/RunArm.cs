namespace Understudy.Recipes;

/// <summary>What a student is trained on.</summary>
public enum RunArm
{
    /// <summary>The labelled seeds alone.</summary>
    SeedsOnly,

    /// <summary>The seeds and the unlabelled texts that the teacher labelled.</summary>
    Annotated,

    /// <summary>The seeds and the texts that the teacher wrote.</summary>
    Generated,

    /// <summary>The seeds, the labelled and the written texts.</summary>
    Both,
}
